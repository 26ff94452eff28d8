using System.ComponentModel;
using System.ComponentModel.DataAnnotations;

namespace Alpaca.Abstractions;

/// <summary>Options of the <c>train</c> stage.</summary>
public sealed record TrainRequest : TrainingRequest
{
    /// <summary>Folders whose <c>*.json</c> and <c>*.jsonl</c> files hold instruction data, or such files themselves.</summary>
    [Required, MinLength(1), PathInput, Description("Folders or files of instruction data")]
    public IReadOnlyList<string> DatasetDir { get; init; } = [];

    /// <summary>Instruction data for the validation loss. The default is none: no validation.</summary>
    [PathInput, Description("Instruction data for the validation loss")]
    public string? ValidationFile { get; init; }

    /// <summary>Longest sample in tokens; <see cref="OverLong"/> says what becomes of longer ones. The default is 512.</summary>
    [Range(8, 1 << 20), Description("Longest sample in tokens")]
    public int MaxSeqLength { get; init; } = 512;

    /// <summary>What becomes of samples longer than <see cref="MaxSeqLength"/>. The default is <see cref="OverLongSamples.Truncate"/>, as in the original scripts.</summary>
    [Description("Samples longer than that: truncate, drop or fail")]
    public OverLongSamples OverLong { get; init; } = OverLongSamples.Truncate;

    /// <summary>The prompt template's name. The default is <c>alpaca</c>.</summary>
    [Description("Prompt template")]
    public string Template { get; init; } = "alpaca";

    /// <summary>
    /// Whether shuffled samples of similar length stand in one forward pass, which leaves little padding. The default is <see langword="true"/>; without shuffling, with packing or with
    /// one sample a pass it changes nothing.
    /// </summary>
    [Description("Put shuffled samples of similar length into one forward pass")]
    public bool GroupByLength { get; init; } = true;
}

/// <summary>What becomes of samples that are too long.</summary>
public enum OverLongSamples
{
    /// <summary>They are cut at their end, and do not teach where their answer ends.</summary>
    Truncate,

    /// <summary>They are left out.</summary>
    Drop,

    /// <summary>They are an error that names the first of them.</summary>
    Fail,
}
