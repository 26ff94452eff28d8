using TorchSharp.Modules;
using static TorchSharp.torch.nn;

namespace Alpaca.Llama;

/// <summary>What Hugging Face keeps under <c>model.</c>: the embedding, the layers and the final norm.</summary>
internal sealed class DecoderStack : Module
{
    private readonly TokenMatrix embed_tokens;
    private readonly ModuleList<DecoderLayer> layers;
    private readonly RmsNorm norm;

    public DecoderStack(TokenMatrix embedding, IEnumerable<DecoderLayer> decoderLayers, RmsNorm finalNorm) : base(nameof(DecoderStack))
    {
        embed_tokens = embedding;
        layers = new ModuleList<DecoderLayer>([.. decoderLayers]);
        norm = finalNorm;
        RegisterComponents();
    }

    public TokenMatrix EmbedTokens => embed_tokens;

    public ModuleList<DecoderLayer> Layers => layers;

    public RmsNorm Norm => norm;
}
