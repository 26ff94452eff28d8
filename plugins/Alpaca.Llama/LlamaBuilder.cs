using Alpaca.Formats;
using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Alpaca.Llama;

/// <summary>Reads the weights and puts the modules together, in the order of the state dictionary.</summary>
internal sealed class LlamaBuilder(LlamaConfig config, int vocabularySize, WeightReader weights, LlamaModelOptions options)
{
    private const double NewRowDeviation = 0.02; // initializer_range of the published configurations

    private readonly ProjectionFactory _projection = options.ProjectionFactory ?? Llama.Projection.Factory;

    public (DecoderStack Model, TokenMatrix LmHead) Build()
    {
        using var generator = new Generator((ulong)options.Seed, CPU);
        var embedding = TokenWeight("model.embed_tokens.weight", generator);
        var layers = Enumerable.Range(0, config.NumHiddenLayers).Select(i => Layer($"model.layers.{i}")).ToList();
        var norm = Norm("model.norm");
        var head = config.TieWordEmbeddings ? embedding : TokenWeight("lm_head.weight", generator);
        return (new DecoderStack(new TokenMatrix(embedding), layers, norm), new TokenMatrix(head));
    }

    private DecoderLayer Layer(string name) => new(
        Norm($"{name}.input_layernorm"),
        new Attention(
            config,
            Projection($"{name}.self_attn.q_proj"),
            Projection($"{name}.self_attn.k_proj"),
            Projection($"{name}.self_attn.v_proj"),
            Projection($"{name}.self_attn.o_proj")),
        Norm($"{name}.post_attention_layernorm"),
        new FeedForward(
            Projection($"{name}.mlp.gate_proj"),
            Projection($"{name}.mlp.up_proj"),
            Projection($"{name}.mlp.down_proj")));

    private Module<Tensor, Tensor> Projection(string name) => _projection(name, weights.Read($"{name}.weight", options.WeightType, options.Device));

    private RmsNorm Norm(string name) => new(weights.Read($"{name}.weight", options.WeightType, options.Device), config.RmsNormEps);

    private Parameter TokenWeight(string name, Generator generator)
    {
        using var scope = NewDisposeScope();
        var weight = weights.Read(name, options.EmbeddingType ?? options.WeightType, options.Device, vocabularySize); // [V, H]
        var added = vocabularySize - config.VocabSize;
        if (added > 0)
        {
            // Drawn on the CPU in float32, so that a seed means the same rows everywhere.
            var rows = empty(added, config.HiddenSize, dtype: ScalarType.Float32).normal_(0, NewRowDeviation, generator);
            weight.narrow(0, config.VocabSize, added).copy_(rows);
        }

        return new Parameter(weight, requires_grad: false);
    }
}
