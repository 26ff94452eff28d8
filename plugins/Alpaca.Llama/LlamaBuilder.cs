using Alpaca.Formats;
using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Alpaca.Llama;

/// <summary>Reads the weights and puts the modules together, in the order of the state dictionary.</summary>
internal sealed class LlamaBuilder(LlamaConfig config, int vocabularySize, WeightReader weights, LlamaModelOptions options)
{
    private readonly ProjectionFactory _projection = options.ProjectionFactory ?? Llama.Projection.Factory;

    private readonly bool _fused = options.UseFusedKernels && FusedKernels.AreAvailable;

    private readonly List<IDisposable> _made = [];

    public (DecoderStack Model, TokenMatrix LmHead) Build()
    {
        try
        {
            using var generator = new Generator((ulong)options.Seed, CPU);
            var embedding = TokenWeight(LlamaTensorNames.EmbedTokens, generator);
            var layers = Enumerable.Range(0, config.NumHiddenLayers).Select(Layer).ToList();
            var norm = Norm(LlamaTensorNames.Norm);
            var head = config.TieWordEmbeddings ? embedding : TokenWeight(LlamaTensorNames.LmHead, generator);
            return (new DecoderStack(new TokenMatrix(embedding), layers, norm), new TokenMatrix(head));
        }
        catch
        {
            // Nothing tells the garbage collector how large these are, so they are not left to it.
            foreach (var made in _made) made.Dispose();
            throw;
        }
    }

    private DecoderLayer Layer(int layer) => new(
        Norm(LlamaTensorNames.InputLayerNorm(layer)),
        new Attention(config, Projection(layer, "q_proj"), Projection(layer, "k_proj"), Projection(layer, "v_proj"), Projection(layer, "o_proj"), _fused),
        Norm(LlamaTensorNames.PostAttentionLayerNorm(layer)),
        new FeedForward(Projection(layer, "gate_proj"), Projection(layer, "up_proj"), Projection(layer, "down_proj")));

    private Module<Tensor, Tensor> Projection(int layer, string name) =>
        Track(_projection(LlamaTensorNames.Module(layer, name), weights.Read(LlamaTensorNames.Projection(layer, name), options.WeightType, options.Device)));

    private RmsNorm Norm(string name) => Track(new RmsNorm(weights.Read(name, options.WeightType, options.Device), config.RmsNormEps, _fused));

    private TokenRows TokenWeight(string name, Generator generator)
    {
        using var scope = NewDisposeScope();
        var added = vocabularySize - config.VocabSize;
        var isApart = options.SeparateAddedRows && added > 0;
        var type = options.EmbeddingType ?? options.WeightType;
        var weight = weights.Read(name, type, options.Device, isApart ? config.VocabSize : vocabularySize); // [V, H]
        if (added == 0) return new TokenRows(Freeze(weight), null);

        var rows = AddedRows.Draw(options.NewRowInit, added, weight.narrow(0, 0, config.VocabSize), generator);
        if (isApart) return new TokenRows(Freeze(weight), Freeze(rows.to(options.Device).DetachFromDisposeScope()));
        weight.narrow(0, config.VocabSize, added).copy_(rows);
        return new TokenRows(Freeze(weight), null);
    }

    private Parameter Freeze(Tensor weight) => Track(new Parameter(weight, requires_grad: false));

    private T Track<T>(T made)
        where T : IDisposable
    {
        _made.Add(made);
        return made;
    }
}
