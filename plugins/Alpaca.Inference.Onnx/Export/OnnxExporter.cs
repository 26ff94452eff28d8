using Alpaca.Abstractions;
using Alpaca.Formats;
using Microsoft.Extensions.Logging;

namespace Alpaca.Inference.Onnx;

/// <summary>The <c>export</c> stage: a Hugging Face LLaMA as an ONNX model with KV cache, its configuration and its tokenizer.</summary>
public sealed class OnnxExporter : IModelExporter
{
    /// <inheritdoc />
    public Task<OnnxArtifact> ExecuteAsync(ExportRequest request, StageContext context, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(request);
        ArgumentNullException.ThrowIfNull(context);
        return Task.FromResult(Export(request, context, cancellationToken));
    }

    private static OnnxArtifact Export(ExportRequest request, StageContext context, CancellationToken cancellationToken)
    {
        if (request.Precision != Precision.Fp32)
            throw new AlpacaUsageException($"Precision {request.Precision.ToString().ToLowerInvariant()} cannot be exported: this version writes fp32 only; set the precision to fp32.");

        var start = context.TimeProvider.GetTimestamp();
        using var model = HuggingFaceModel.Open(request.Model);
        var graph = LlamaGraph.Build(model.Config);
        var layout = new ExternalDataLayout(OnnxFiles.Data, graph.Weights);

        using (var progress = context.Progress.Start(OnnxFiles.Data, layout.Length, ProgressUnit.Bytes))
            new WeightFile(model.Tensors, progress).Write(Path.Combine(context.OutputFolder, OnnxFiles.Data), layout, cancellationToken);

        WriteConfiguration(model, context.OutputFolder);
        TokenizerFiles.Copy(model.Folder, context.OutputFolder);
        if (!TokenizerFiles.ExistIn(model.Folder)) context.Logger.LogWarning("{Folder} has no tokenizer, so the ONNX folder has none either", model.Folder);

        // Last, so that a folder with a graph is a complete one.
        File.WriteAllBytes(Path.Combine(context.OutputFolder, OnnxFiles.Model), OnnxWriter.Write(graph.ToModel(layout)));

        var seconds = Math.Max(context.TimeProvider.GetElapsedTime(start).TotalSeconds, 1e-6);
        var megabytes = layout.Length / 1e6;
        context.Logger.LogInformation("Exported {Tensors} weights, {Megabytes:F1} MB, in {Seconds:F1} s", graph.Weights.Count, megabytes, seconds);
        return new OnnxArtifact
        {
            Precision = Precision.Fp32,
            Metrics = new Dictionary<string, double>
            {
                ["tensors"] = graph.Weights.Count,
                ["megabytes"] = megabytes,
                ["seconds"] = seconds,
                ["megabytesPerSecond"] = megabytes / seconds,
            },
        };
    }

    private static void WriteConfiguration(HuggingFaceModel model, string folder)
    {
        // Contents only: a read-only source must not make a read-only copy.
        File.WriteAllBytes(Path.Combine(folder, OnnxFiles.Config), File.ReadAllBytes(Path.Combine(model.Folder, OnnxFiles.Config)));
        var generation = Path.Combine(model.Folder, OnnxFiles.GenerationConfig);
        var defaults = File.Exists(generation) ? File.ReadAllText(generation) : GenaiConfig.GenerationDefaults(model.Config);
        File.WriteAllText(Path.Combine(folder, OnnxFiles.GenerationConfig), defaults);
        File.WriteAllText(Path.Combine(folder, OnnxFiles.GenaiConfig), GenaiConfig.For(model.Config));
    }
}
