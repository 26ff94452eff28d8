using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace Alpaca.Evaluation;

/// <summary>What an evaluation found, as <c>report.json</c> holds it.</summary>
public sealed record EvaluationReport
{
    /// <summary>The file's name.</summary>
    public const string FileName = "report.json";

    // Relaxed: answers are to be readable, and the file is never part of a page.
    private static readonly EvaluationReportJson Json = new(new JsonSerializerOptions(JsonSerializerOptions.Web)
    {
        WriteIndented = true,
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
        DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
    });

    /// <summary>The model's mean negative log-likelihood of an answer token of <see cref="ValidationFile"/>, in nats.</summary>
    public double EvalLoss => Validation.Loss;

    /// <summary><c>e</c> to the power of <see cref="EvalLoss"/>.</summary>
    public double Perplexity => Validation.Perplexity;

    /// <summary>The share of answer tokens that were the model's first choice, 0 to 1.</summary>
    public double TokenAccuracy => Validation.TokenAccuracy;

    /// <summary>Answer tokens counted, ends of answers included.</summary>
    public long Tokens => Validation.Tokens;

    /// <summary>Samples counted.</summary>
    public int Samples => Validation.Samples;

    /// <summary>Samples left out because their prompt alone fills <see cref="MaxSeqLength"/>.</summary>
    public int SkippedSamples => Validation.SkippedSamples;

    /// <summary>All the model's figures on <see cref="ValidationFile"/>.</summary>
    public required LossFigures Validation { get; init; }

    /// <summary>Those of the model that it is compared with.</summary>
    public LossFigures? ChampionValidation { get; init; }

    /// <summary>The model's losses on <see cref="ProbeFile"/>.</summary>
    public LossFigures? Probe { get; init; }

    /// <summary>Those of the model that it is compared with.</summary>
    public LossFigures? ChampionProbe { get; init; }

    /// <summary>Whether the two split text differently, so that only their <see cref="LossFigures.BitsPerByte"/> are comparable.</summary>
    public bool ChampionHasOtherTokens { get; init; }

    /// <summary>How the trial answers turned out.</summary>
    public SmokeFigures? Smoke { get; init; }

    /// <summary>How far other forms of the model are from it.</summary>
    public IReadOnlyList<FormFigures> Forms { get; init; } = [];

    /// <summary>The model's folder.</summary>
    public required string Model { get; init; }

    /// <summary>The folder of the model that it is compared with.</summary>
    public string? Champion { get; init; }

    /// <summary>Name of the file or folder of instruction data.</summary>
    public required string ValidationFile { get; init; }

    /// <summary>Name of the file or folder of what must not be forgotten.</summary>
    public string? ProbeFile { get; init; }

    /// <summary>The prompt template's name.</summary>
    public required string Template { get; init; }

    /// <summary>The length in tokens at which samples were cut.</summary>
    public required int MaxSeqLength { get; init; }

    /// <summary>Duration of the whole evaluation.</summary>
    public required double Seconds { get; init; }

    /// <summary>The figures by the names that rules and run records know; what was not measured is left out.</summary>
    public IReadOnlyDictionary<string, double> Metrics()
    {
        var metrics = new Dictionary<string, double>();
        Add("evalLoss", Validation.Loss);
        Add("perplexity", Validation.Perplexity);
        Add("tokenAccuracy", Validation.TokenAccuracy);
        Add("tokens", Validation.Tokens);
        Add("evalBitsPerByte", Validation.BitsPerByte);
        Add("championEvalLoss", ChampionValidation?.Loss);
        Add("championPerplexity", ChampionValidation?.Perplexity);
        Add("championTokenAccuracy", ChampionValidation?.TokenAccuracy);
        Add("championEvalBitsPerByte", ChampionValidation?.BitsPerByte);
        Add("probeLoss", Probe?.Loss);
        Add("probeBitsPerByte", Probe?.BitsPerByte);
        Add("championProbeLoss", ChampionProbe?.Loss);
        Add("championProbeBitsPerByte", ChampionProbe?.BitsPerByte);
        Add("smokePassed", Smoke?.Passed);
        Add("smokeEnded", Smoke?.Ended);
        Add("smokeScript", Smoke?.InScript);
        Add("smokeLooped", Smoke?.Looped);
        Add("backendDifference", Forms.Max(form => (double?)form.Difference));
        Add("backendMeanDifference", Forms.Max(form => (double?)form.MeanDifference));
        Add("backendGreedyAgreement", Forms.Min(form => form.GreedyAgreement));
        return metrics;

        void Add(string name, double? value)
        {
            if (value is { } measured) metrics[name] = measured;
        }
    }

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
