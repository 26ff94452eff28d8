using Alpaca.Abstractions;
using Alpaca.Formats;
using Microsoft.Extensions.Logging;

namespace Alpaca.Inference.Onnx;

/// <summary>The <c>export</c> stage: a Hugging Face LLaMA as an ONNX model with KV cache, its configuration and its tokenizer.</summary>
public sealed class OnnxExporter : IModelExporter
{
    // Weights that the verification, which reads them twice and loads them once, is done with in seconds.
    private const long VerifiedBytes = 1_000_000_000;

    /// <inheritdoc />
    public Task<OnnxArtifact> ExecuteAsync(ExportRequest request, StageContext context, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(request);
        ArgumentNullException.ThrowIfNull(context);
        return Task.FromResult(Export(request, context, cancellationToken));
    }

    private static OnnxArtifact Export(ExportRequest request, StageContext context, CancellationToken cancellationToken)
    {
        var start = context.TimeProvider.GetTimestamp();
        using var model = HuggingFaceModel.Open(request.Model);
        var format = GraphFormat.Of(request, model.Config);
        var graph = LlamaGraph.Build(model.Config, format);
        var layout = new ExternalDataLayout(OnnxFiles.Data, graph.Weights);
        DiskRoom.Require(context.OutputFolder, layout.Length, "the exported model");

        using (var progress = context.Progress.Start(OnnxFiles.Data, layout.Weights.SelectMany(w => w.Parts).Sum(p => p.ByteLength), ProgressUnit.Bytes))
            new WeightFile(model.Tensors, progress).Write(Path.Combine(context.OutputFolder, OnnxFiles.Data), layout, cancellationToken);
        WriteConfiguration(model, graph, context.OutputFolder);
        TokenizerFiles.Copy(model.Folder, context.OutputFolder);
        if (!TokenizerFiles.ExistIn(model.Folder)) context.Logger.LogWarning("{Folder} has no tokenizer, so the ONNX folder has none either", model.Folder);
        var modelFile = Path.Combine(context.OutputFolder, OnnxFiles.Model);
        File.WriteAllBytes(modelFile, OnnxWriter.Write(graph.ToModel(layout)));

        var seconds = Math.Max(context.TimeProvider.GetElapsedTime(start).TotalSeconds, 1e-6);
        var megabytes = layout.Length / 1e6;
        context.Logger.LogInformation("Exported {Tensors} weights, {Megabytes:F1} MB, in {Seconds:F1} s", layout.Tensors.Count, megabytes, seconds);

        var verification = request.Verify ?? layout.Length <= VerifiedBytes
            ? new ExportVerification(model, graph, format, modelFile).Run(context.Progress, cancellationToken)
            : null;
        Log(verification, context.Logger);
        ExportReport.Of(graph, format, megabytes, verification).Write(context.OutputFolder);
        return new OnnxArtifact { Precision = format.Precision, Metrics = Metrics(layout, seconds, verification) };
    }

    private static Dictionary<string, double> Metrics(ExternalDataLayout layout, double seconds, VerificationResult? verification)
    {
        var megabytes = layout.Length / 1e6;
        var metrics = new Dictionary<string, double>
        {
            ["tensors"] = layout.Tensors.Count,
            ["megabytes"] = megabytes,
            ["seconds"] = seconds,
            ["megabytesPerSecond"] = megabytes / seconds,
        };
        if (verification is not null)
        {
            metrics["verifiedLogitDifference"] = verification.LargestDifference;
            metrics["verifiedLargestLogit"] = verification.LargestLogit;
            metrics["verifiedTolerance"] = verification.Tolerance;
        }

        return metrics;
    }

    private static void Log(VerificationResult? result, ILogger logger)
    {
        if (result is null)
        {
            logger.LogInformation("The graph was not run; --verify true does that for models of any size that fit into memory");
            return;
        }

        logger.LogInformation(
            "Verified: logits up to {Largest:G4} differ by {Difference:G3} from the exported weights', by {FromModel:G3} from the model's; {Same} of {Positions} greedy ids are the model's",
            result.LargestLogit, result.LargestDifference, result.DifferenceFromModel, result.SameGreedyIds, result.ProbeIds.Count);
    }

    private static void WriteConfiguration(HuggingFaceModel model, LlamaGraph graph, string folder)
    {
        // Contents only: a read-only source must not make a read-only copy.
        File.WriteAllBytes(Path.Combine(folder, OnnxFiles.Config), File.ReadAllBytes(Path.Combine(model.Folder, OnnxFiles.Config)));
        var generation = Path.Combine(model.Folder, OnnxFiles.GenerationConfig);
        var defaults = File.Exists(generation) ? File.ReadAllText(generation) : GenaiConfig.GenerationDefaults(model.Config);
        File.WriteAllText(Path.Combine(folder, OnnxFiles.GenerationConfig), defaults);
        File.WriteAllText(Path.Combine(folder, OnnxFiles.GenaiConfig), GenaiConfig.For(model.Config, graph.KvCache));
    }
}
