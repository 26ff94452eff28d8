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

    public required DecoderSignature Signature { get; init; }

    public static async Task<ExportedModel> OfAsync(string modelFolder)
    {
        var folder = new TemporaryFolder();
        var context = StageContexts.In(folder);
        var artifact = await new OnnxExporter().ExecuteAsync(new ExportRequest { Model = modelFolder }, context);
        var file = Path.Combine(context.OutputFolder, OnnxFiles.Model);
        var session = new InferenceSession(file);
        return new ExportedModel(folder) { Folder = context.OutputFolder, Artifact = artifact, Session = session, Signature = DecoderSignature.Read(session, file) };
    }

    public OnnxDecodingSession Start(int capacity = 512) => new(Session, Signature, capacity);

    /// <summary>The logits after all of <paramref name="ids"/>, fed in one piece.</summary>
    public float[] LogitsAfter(params int[] ids)
    {
        using var sequence = Start();
        return Forward(sequence, ids);
    }

    public float[] Forward(OnnxDecodingSession sequence, params int[] ids)
    {
        var logits = new float[Signature.VocabularySize];
        sequence.Forward(ids, logits);
        return logits;
    }

    public void Dispose()
    {
        Session.Dispose();
        _folder.Dispose();
    }
}
