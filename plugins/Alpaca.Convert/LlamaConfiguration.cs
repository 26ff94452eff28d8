using Alpaca.Formats;

namespace Alpaca.Convert;

/// <summary>The <c>config.json</c> that an original checkpoint implies.</summary>
internal static class LlamaConfiguration
{
    public static LlamaConfig Of(MetaModel model) => model.Config with
    {
        // transformers' converter: long-context bases (Code Llama) were trained on 16384, LLaMA on 2048.
        MaxPositionEmbeddings = model.Parameters.MaxSeqLen ?? (model.Parameters.RopeTheta > 10000 ? 16384 : 2048),
        PadTokenId = 0,
    };
}
