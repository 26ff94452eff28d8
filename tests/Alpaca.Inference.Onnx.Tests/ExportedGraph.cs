using Alpaca.Abstractions;
using Alpaca.Formats;
using Microsoft.ML.OnnxRuntime;

namespace Alpaca.Inference.Onnx.Tests;

/// <summary>A model exported with some options, run step by step as other clients run it.</summary>
internal sealed class ExportedGraph : IDisposable
{
    private readonly TemporaryFolder _folder;

    private ExportedGraph(TemporaryFolder folder) => _folder = folder;

    public required string Folder { get; init; }

    public required OnnxArtifact Artifact { get; init; }

    public required LlamaConfig Config { get; init; }

    public required InferenceSession Session { get; init; }

    public static async Task<ExportedGraph> OfAsync(ExportRequest request)
    {
        var folder = new TemporaryFolder();
        var context = StageContexts.In(folder);
        var artifact = await new OnnxExporter().ExecuteAsync(request, context);
        var session = new InferenceSession(Path.Combine(context.OutputFolder, OnnxFiles.Model));
        return new ExportedGraph(folder) { Folder = context.OutputFolder, Artifact = artifact, Config = LlamaConfig.Load(request.Model), Session = session };
    }

    /// <summary>A run whose further inputs are fed in each step.</summary>
    public GraphRun Start(IReadOnlyDictionary<string, OrtValue>? fed = null) => new(Session, Config, fed);

    /// <summary>The logits of the last of the ids.</summary>
    public float[] LastLogits(ReadOnlySpan<int> ids, IReadOnlyDictionary<string, OrtValue>? fed = null)
    {
        using var run = Start(fed);
        return run.Step(ids)[^Config.VocabSize..];
    }

    /// <summary>The tensors of the graph.</summary>
    public OnnxTensorSource OpenTensors() => OnnxTensorSource.Open(Path.Combine(Folder, OnnxFiles.Model));

    public void Dispose()
    {
        Session.Dispose();
        _folder.Dispose();
    }
}
