using System.Text.Json;
using System.Text.Json.Serialization;
using Alpaca.Formats;

namespace Alpaca.Merging;

/// <summary><c>merge_report.json</c> beside the merged weights: what was merged into what, what changed, and how well the result agrees with its parts.</summary>
internal sealed record MergeReport
{
    public const string FileName = "merge_report.json";

    public required string BaseModel { get; init; }

    public required IReadOnlyList<MergedAdapter> Adapters { get; init; }

    public required string? Tokenizer { get; init; }

    public required int Vocabulary { get; init; }

    public required int Tensors { get; init; }

    public required int TensorsChanged { get; init; }

    /// <summary><see langword="null"/> when the verification was turned off.</summary>
    public required VerificationResult? Verification { get; init; }

    public static MergeReport Of(MergePlan plan, VerificationResult? verification) => new()
    {
        BaseModel = NameOf(plan.Model.Folder),
        Adapters = [.. plan.Adapters.Select(MergedAdapter.Of)],
        Tokenizer = plan.TokenizerFolder is { } folder ? NameOf(folder) : null,
        Vocabulary = plan.Config.VocabSize,
        Tensors = plan.Tensors.Count,
        TensorsChanged = plan.Tensors.Count(t => t.IsChanged),
        Verification = verification,
    };

    // Names and not paths: where the inputs were on this machine is no property of the model.
    public static string NameOf(string folder) => Path.GetFileName(Path.TrimEndingDirectorySeparator(Path.GetFullPath(folder)));

    public void Write(string folder) => File.WriteAllText(Path.Combine(folder, FileName), JsonSerializer.Serialize(this, MergeReportJson.Default.MergeReport) + "\n");
}

/// <summary>An adapter in a <see cref="MergeReport"/>.</summary>
internal sealed record MergedAdapter(string Name, int Rank, double Scaling, int LoraLayers, IReadOnlyList<string> ModulesSaved, int? Vocabulary)
{
    public static MergedAdapter Of(PeftAdapter adapter) => new(
        MergeReport.NameOf(adapter.Folder), adapter.Config.R, adapter.Scaling, adapter.Pairs.Count, [.. adapter.SavedModules.Keys.Order(StringComparer.Ordinal)], adapter.VocabularySize);
}

// Generated: a reflecting serializer would keep the plugin's types, and so the plugin, in memory.
[JsonSourceGenerationOptions(WriteIndented = true, PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase)]
[JsonSerializable(typeof(MergeReport))]
internal sealed partial class MergeReportJson : JsonSerializerContext;
