using System.ComponentModel;
using System.ComponentModel.DataAnnotations;

namespace Alpaca.Abstractions;

/// <summary>Options of the <c>evaluate</c> stage.</summary>
public sealed record EvaluateRequest
{
    /// <summary>The model's Hugging Face folder.</summary>
    [Required, ArtifactInput(ArtifactKinds.Model), Description("Model folder")]
    public string Model { get; init; } = "";

    /// <summary>The Hugging Face folder of a model to compare with, measured with the same settings. The default is <see langword="null"/>: none.</summary>
    [ArtifactInput(ArtifactKinds.Model, Explicit = true), Description("Model folder to compare with")]
    public string? Champion { get; init; }

    /// <summary>
    /// Other forms of <see cref="Model"/>, such as the folder that the stage <c>export</c> made: each is held against it, by a backend that runs it. In a pipeline the default is what was exported from
    /// the model; otherwise none.
    /// </summary>
    [ArtifactInput(ArtifactKinds.Onnx, MadeFrom = nameof(Model)), Description("Folders of other forms of the model, to hold against it")]
    public IReadOnlyList<string> Forms { get; init; } = [];

    /// <summary>Instruction data to measure on.</summary>
    [Required, PathInput, Description("Instruction data to measure on")]
    public string ValidationFile { get; init; } = "";

    /// <summary>Instruction data that stays the same from run to run: what must not be forgotten. The default is <see langword="null"/>: none.</summary>
    [PathInput, Description("Instruction data that stays the same: what must not be forgotten")]
    public string? ProbeFile { get; init; }

    /// <summary>
    /// Questions for trial answers: instruction data whose outputs may be missing, or rows of <c>{"prompt"}</c>. The default is <see langword="null"/>: the questions of
    /// <see cref="ValidationFile"/>.
    /// </summary>
    [PathInput, Description("Questions for trial answers; by default those of the validation file")]
    public string? SmokeFile { get; init; }

    /// <summary>How many questions are answered on trial, the first ones of the file; 0 leaves them out. The default is 8.</summary>
    [Range(0, 10_000), Description("Trial answers; 0 for none")]
    public int SmokeCount { get; init; } = 8;

    /// <summary>The tokens within which a trial answer has to end. The default is 128.</summary>
    [Range(1, 1 << 20), Description("Tokens within which a trial answer has to end")]
    public int SmokeMaxNewTokens { get; init; } = 128;

    /// <summary>
    /// The script that trial answers are to be in. The default is <see cref="AnswerScript.Auto"/>: that of the question's own output where the data has one, otherwise the one that most outputs of
    /// <see cref="ValidationFile"/> are in.
    /// </summary>
    [Description("Script that trial answers are to be in: auto, han, latin or any")]
    public AnswerScript SmokeScript { get; init; } = AnswerScript.Auto;

    /// <summary>Longest sample in tokens. The default is 512.</summary>
    [Range(8, 1 << 20), Description("Longest sample in tokens")]
    public int MaxSeqLength { get; init; } = 512;

    /// <summary>Samples per forward pass. The default is 8.</summary>
    [Range(1, 65536), Description("Samples per forward pass")]
    public int BatchSize { get; init; } = 8;

    /// <summary>The prompt template's name. The default is <c>alpaca</c>.</summary>
    [Description("Prompt template")]
    public string Template { get; init; } = "alpaca";

    /// <summary>The device: <c>cpu</c>, <c>cuda</c> or <c>cuda:1</c>. The default is <c>cpu</c>.</summary>
    [Description("cpu, cuda or cuda:N")]
    public string Device { get; init; } = "cpu";

    /// <summary>The device that <see cref="Forms"/> run on. The default is <c>cpu</c>.</summary>
    [Description("Device of the other forms: cpu, cuda or cuda:N")]
    public string FormsDevice { get; init; } = "cpu";
}
