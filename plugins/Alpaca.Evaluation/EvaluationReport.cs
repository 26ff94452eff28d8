using System.Text.Json;
using System.Text.Json.Serialization;

namespace Alpaca.Evaluation;

/// <summary>What an evaluation found, as <c>report.json</c> holds it.</summary>
public sealed record EvaluationReport
{
    /// <summary>The file's name.</summary>
    public const string FileName = "report.json";

    private static readonly EvaluationReportJson Json = new(new JsonSerializerOptions(JsonSerializerOptions.Web) { WriteIndented = true });

    /// <summary>Mean negative log-likelihood of an answer token, in nats.</summary>
    public required double EvalLoss { get; init; }

    /// <summary><c>e</c> to the power of <see cref="EvalLoss"/>.</summary>
    public required double Perplexity { get; init; }

    /// <summary>The share of answer tokens that were the model's first choice, 0 to 1.</summary>
    public required double TokenAccuracy { get; init; }

    /// <summary>Answer tokens counted, end-of-sequence included.</summary>
    public required long Tokens { get; init; }

    /// <summary>Samples counted.</summary>
    public required int Samples { get; init; }

    /// <summary>Samples left out because their prompt alone fills <see cref="MaxSeqLength"/>.</summary>
    public required int SkippedSamples { get; init; }

    /// <summary>Name of the file or folder of instruction data.</summary>
    public required string ValidationFile { get; init; }

    /// <summary>The prompt template's name.</summary>
    public required string Template { get; init; }

    /// <summary>The length in tokens at which samples were cut.</summary>
    public required int MaxSeqLength { get; init; }

    /// <summary>Duration of the measuring, loading left out.</summary>
    public required double Seconds { get; init; }

    /// <summary>Writes the report.</summary>
    /// <param name="path">The file.</param>
    public void Save(string path) => File.WriteAllText(path, JsonSerializer.Serialize(this, Json.EvaluationReport) + "\n");

    /// <summary>Reads a report.</summary>
    /// <param name="path">The file.</param>
    public static EvaluationReport Load(string path) => JsonSerializer.Deserialize(File.ReadAllText(path), Json.EvaluationReport)!;
}

// Generated: a reflecting serializer would keep the plugin's types, and so the plugin, in memory.
[JsonSerializable(typeof(EvaluationReport))]
internal sealed partial class EvaluationReportJson : JsonSerializerContext;
