using Alpaca.Text;
using Microsoft.ML.OnnxRuntime;

namespace Alpaca.Inference.Onnx;

/// <summary>A model loaded by ONNX Runtime: one inference session shared by all sequences, a KV cache for each.</summary>
internal sealed class OnnxTextGenerator(InferenceSession session, DecoderSignature signature, int contextLength) : AutoregressiveTextGenerator
{
    /// <inheritdoc />
    public override int VocabularySize => signature.VocabularySize;

    /// <inheritdoc />
    public override int ContextLength => contextLength;

    /// <inheritdoc />
    public override void Dispose() => session.Dispose();

    /// <inheritdoc />
    protected override IDecodingSession StartSession(int capacity) => new OnnxDecodingSession(session, signature, capacity);
}
