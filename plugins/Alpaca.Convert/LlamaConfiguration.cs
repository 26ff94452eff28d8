using Alpaca.Formats;

namespace Alpaca.Convert;

/// <summary>The <c>config.json</c> that an original checkpoint implies.</summary>
internal static class LlamaConfiguration
{
    public static LlamaConfig Of(MetaCheckpoint checkpoint, int vocabularySize, int feedForwardDim, DType dtype)
    {
        var parameters = checkpoint.Parameters;
        return new LlamaConfig
        {
            HiddenSize = parameters.Dim,
            IntermediateSize = feedForwardDim,
            NumHiddenLayers = parameters.NLayers,
            NumAttentionHeads = parameters.NHeads,
            NumKeyValueHeads = parameters.NKvHeads ?? parameters.NHeads,
            VocabSize = vocabularySize,
            RmsNormEps = parameters.NormEps,
            RopeTheta = parameters.RopeTheta,
            // transformers' converter: long-context bases (Code Llama) were trained on 16384, LLaMA on 2048.
            MaxPositionEmbeddings = parameters.MaxSeqLen ?? (parameters.RopeTheta > 10000 ? 16384 : 2048),
            PadTokenId = 0,
            TorchDType = dtype,
        };
    }
}
