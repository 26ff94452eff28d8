using Alpaca.Abstractions;
using Microsoft.ML.OnnxRuntime;

namespace Alpaca.Inference.Onnx.Tests;

/// <summary>A model that went through the export stage, opened by ONNX Runtime.</summary>
internal sealed class ExportedModel : IDisposable
{
    private readonly TemporaryFolder _folder;

    private ExportedModel(TemporaryFolder folder) => _folder = folder;

    public required string Folder { get; init; }

    public required OnnxArtifact Artifact { get; init; }

    public required InferenceSession Session { get; init; }

    public static async Task<ExportedModel> OfAsync(string modelFolder)
    {
        var folder = new TemporaryFolder();
        var context = StageContexts.In(folder);
        var artifact = await new OnnxExporter().ExecuteAsync(new ExportRequest { Model = modelFolder }, context);
        var session = new InferenceSession(Path.Combine(context.OutputFolder, OnnxFiles.Model));
        return new ExportedModel(folder) { Folder = context.OutputFolder, Artifact = artifact, Session = session };
    }

    /// <summary>The logits after all of <paramref name="ids"/>, fed in one piece.</summary>
    public float[] LogitsAfter(params int[] ids)
    {
        using var decoder = Decoders.Open(Folder);
        return decoder.Last(0, 0, ids);
    }

    public void Dispose()
    {
        Session.Dispose();
        _folder.Dispose();
    }
}
