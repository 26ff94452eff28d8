using System.Text.Json;
using System.Text.Json.Serialization;
using Alpaca.Abstractions;

namespace Alpaca.Inference.Onnx;

/// <summary><c>export_report.json</c> beside the graph: what was stored how, and how exact it is.</summary>
internal sealed record ExportReport
{
    public required Precision Precision { get; init; }

    public required Precision Activations { get; init; }

    public required string KvCache { get; init; }

    public required bool AdapterInputs { get; init; }

    public required double Megabytes { get; init; }

    /// <summary>How quantised matrices are stored, by the layer.</summary>
    public required IReadOnlyDictionary<string, StoredMatrix> Quantized { get; init; }

    /// <summary><see langword="null"/> when the graph was not verified.</summary>
    public required VerificationResult? Verification { get; init; }

    public static ExportReport Of(LlamaGraph graph, GraphFormat format, double megabytes, VerificationResult? verification) => new()
    {
        Precision = format.Precision,
        Activations = format.Activations == OnnxType.Float16 ? Precision.Fp16 : Precision.Fp32,
        KvCache = graph.KvCache,
        AdapterInputs = format.AdapterInputs,
        Megabytes = megabytes,
        Quantized = graph.Weights.OfType<GraphWeight.Quantized>().ToDictionary(
            weight => weight.Source, weight => new StoredMatrix(weight.Format.Bits, weight.Format.BlockSize, weight.Format.Symmetric)),
        Verification = verification,
    };

    public void Write(string folder) => File.WriteAllText(Path.Combine(folder, OnnxFiles.Report), JsonSerializer.Serialize(this, ExportReportJson.Default.ExportReport) + "\n");
}

/// <summary>How a matrix is quantised, in an <see cref="ExportReport"/>.</summary>
internal sealed record StoredMatrix(int Bits, int BlockSize, bool Symmetric);

// Generated: a reflecting serializer would keep the plugin's types, and so the plugin, in memory.
[JsonSourceGenerationOptions(WriteIndented = true, PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, Converters = [typeof(LowerCasePrecision)])]
[JsonSerializable(typeof(ExportReport))]
internal sealed partial class ExportReportJson : JsonSerializerContext;

/// <summary>Writes a precision as options name it: <c>int4</c>.</summary>
internal sealed class LowerCasePrecision() : JsonStringEnumConverter<Precision>(JsonNamingPolicy.SnakeCaseLower);
