using Alpaca.Formats;

namespace Alpaca.Convert;

/// <summary>The <c>config.json</c> that an original checkpoint implies.</summary>
internal static class OriginalConfig
{
    /// <summary>Adds what the version says to what shapes and parameters say.</summary>
    public static LlamaConfig Of(LlamaConfig shapes, MetaParameters parameters, LlamaVersion version)
    {
        var config = shapes with { MaxPositionEmbeddings = parameters.MaxSeqLen ?? version.ContextLength(parameters.RopeTheta) };
        if (config.RopeScaling is not null && parameters.RopeScalingFactor is null)
        {
            config = config with { RopeScaling = MetaLayout.Llama3RopeScaling(version.RopeScalingFactor()) };
        }

        // transformers' converter pads LLaMA 1 and 2 with piece 0; Llama 3 has no padding token.
        var begin = LlamaVersions.BeginOfText(config.VocabSize);
        return version < LlamaVersion.Llama3 ? config with { PadTokenId = 0 } : config with { BosTokenId = begin, EosTokenId = begin + 1 };
    }
}
