using Alpaca.Abstractions;
using Alpaca.Formats;
using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Alpaca.Llama;

/// <summary>A LLaMA decoder (Touvron et al. 2023) with its token embedding and output head.</summary>
/// <remarks>
/// The state dictionary has the keys of Hugging Face's <c>LlamaForCausalLM</c>. Every weight is frozen; what is to be trained comes in through
/// <see cref="LlamaModelOptions.ProjectionFactory"/> or by setting <c>requires_grad</c> of <see cref="EmbedTokens"/> and <see cref="LmHead"/>.
/// Reading weights apart, its state does not change, so several threads may run it, each with slots of a <see cref="KeyValueCache"/> of its own.
/// </remarks>
public sealed class LlamaModel : Module
{
    private readonly DecoderStack model;
    private readonly TokenMatrix lm_head;
    private readonly RotaryEmbedding _rotary;
    private readonly ScalarType _weightType;

    /// <summary>Creates a model.</summary>
    /// <param name="config">The dimensions.</param>
    /// <param name="weights">Tensors under their Hugging Face names; needed during construction only.</param>
    /// <param name="options">Device, types, projections, vocabulary.</param>
    /// <param name="progress">Told how many bytes have been read.</param>
    /// <exception cref="AlpacaException">A tensor is missing or holds no floating-point values.</exception>
    public LlamaModel(LlamaConfig config, ITensorSource weights, LlamaModelOptions options, IProgressTask? progress = null) : base(nameof(LlamaModel))
    {
        ArgumentNullException.ThrowIfNull(config);
        ArgumentNullException.ThrowIfNull(weights);
        ArgumentNullException.ThrowIfNull(options);
        progress?.SetTotal(weights.Tensors.Sum(tensor => tensor.ByteLength));

        Config = config with { VocabSize = Math.Max(config.VocabSize, options.VocabularySize ?? 0) };
        Device = options.Device;
        _weightType = options.WeightType;
        (model, lm_head) = new LlamaBuilder(config, Config.VocabSize, new WeightReader(weights, progress), options).Build();
        _rotary = new RotaryEmbedding(config, options.Device);
        RegisterComponents();
    }

    /// <summary>The dimensions; <see cref="LlamaConfig.VocabSize"/> counts added rows.</summary>
    public LlamaConfig Config { get; }

    /// <summary>Where the weights are.</summary>
    public Device Device { get; }

    /// <summary>The input embedding, [V, H], or its first rows where there are <see cref="AddedEmbedTokens"/>.</summary>
    public Parameter EmbedTokens => model.EmbedTokens.Weight;

    /// <summary>The rows of the input embedding after those of <see cref="EmbedTokens"/>, float32; <see langword="null"/> unless <see cref="LlamaModelOptions.SeparateAddedRows"/>.</summary>
    public Parameter? AddedEmbedTokens => model.EmbedTokens.AddedRows;

    /// <summary>The output head, [V, H], or its first rows where there are <see cref="AddedLmHead"/>; the same object as <see cref="EmbedTokens"/> where the two are tied.</summary>
    public Parameter LmHead => lm_head.Weight;

    /// <summary>The rows of the output head after those of <see cref="LmHead"/>, as <see cref="AddedEmbedTokens"/>.</summary>
    public Parameter? AddedLmHead => lm_head.AddedRows;

    /// <summary>Whether any row of the input embedding needs a gradient.</summary>
    public bool IsEmbeddingTrained => model.EmbedTokens.IsTrained;

    /// <summary>Loads a model folder, piece by piece: the memory taken is that of the weights in their target type.</summary>
    /// <param name="model">The folder; may be disposed afterwards.</param>
    /// <param name="options">Device, types, projections, vocabulary.</param>
    /// <param name="progress">Told how many bytes have been read.</param>
    /// <exception cref="AlpacaException">The model cannot be run as it is.</exception>
    public static LlamaModel Load(HuggingFaceModel model, LlamaModelOptions options, IProgressTask? progress = null)
    {
        ArgumentNullException.ThrowIfNull(model);
        return new LlamaModel(model.Config, model.Tensors, options, progress);
    }

    /// <summary>An empty cache of this model's shape, type and device.</summary>
    /// <param name="capacity">Most positions of a sequence.</param>
    /// <param name="slots">Most sequences. The default is 1.</param>
    public KeyValueCache CreateCache(int capacity, int slots = 1) => new(Config, slots, capacity, _weightType, Device);

    /// <summary>Runs the decoder up to the final norm.</summary>
    /// <param name="ids">Token ids, [B, T] int64, each below <see cref="LlamaConfig.VocabSize"/>.</param>
    /// <param name="positions">[B, T] or [1, T]. The default is 0, 1, 2, ….</param>
    /// <param name="attentionMask">
    /// Broadcast to [B, heads, T, T]: boolean (true sees, see <see cref="AttentionMasks"/>) or additive (0 sees, -inf does not). It is all the
    /// masking there is, so it must be causal itself. The default is causal.
    /// </param>
    /// <returns>[B, T, H] in the weight type, in the caller's dispose scope.</returns>
    public Tensor ForwardHidden(Tensor ids, Tensor? positions = null, Tensor? attentionMask = null)
    {
        ArgumentNullException.ThrowIfNull(ids);
        using var scope = NewDisposeScope();
        return ForwardHidden(ids, Surround(ids.shape[1], positions, attentionMask)).MoveToOuterDisposeScope();
    }

    /// <summary>Runs the decoder up to the final norm on positions that come after those of a cache, and appends them to it.</summary>
    /// <param name="embedded">The rows of the embedding, [B, T, H], from <see cref="Embed"/>.</param>
    /// <param name="positions">[B, T], or [1, T] for the same positions in every row.</param>
    /// <param name="pass">Where in the cache they go.</param>
    /// <returns>[B, T, H] in the weight type, in the caller's dispose scope.</returns>
    public Tensor ForwardHidden(Tensor embedded, Tensor positions, CachePass pass)
    {
        ArgumentNullException.ThrowIfNull(embedded);
        ArgumentNullException.ThrowIfNull(positions);
        ArgumentNullException.ThrowIfNull(pass);
        using var scope = NewDisposeScope();
        var length = embedded.shape[1];
        var past = pass.Keys - (int)length;
        // SDPA's own causal flag starts at the first key, so it is right only without a past; a single query sees everything.
        var mask = pass.Mask ?? (past > 0 && length > 1 ? AttentionMasks.Causal(length, pass.Keys, Device) : null);
        return Run(embedded, new DecoderSurroundings(_rotary.At(positions, _weightType), mask), pass).MoveToOuterDisposeScope();
    }

    /// <summary>Runs the decoder up to the final norm.</summary>
    /// <param name="ids">Token ids, [B, T] int64, each below <see cref="LlamaConfig.VocabSize"/>.</param>
    /// <param name="surroundings">From <see cref="Surround(long, Tensor?, Tensor?)"/> or <see cref="Surround(Segments)"/>.</param>
    /// <returns>[B, T, H] in the weight type, in the caller's dispose scope.</returns>
    public Tensor ForwardHidden(Tensor ids, DecoderSurroundings surroundings)
    {
        ArgumentNullException.ThrowIfNull(ids);
        using var scope = NewDisposeScope();
        return Run(Embed(ids), surroundings).MoveToOuterDisposeScope();
    }

    /// <summary>How many decoder layers there are.</summary>
    public int LayerCount => model.Layers.Count;

    /// <summary>The first step of <see cref="ForwardHidden(Tensor, Tensor?, Tensor?)"/>, for those who take it apart: [B, T] -> [B, T, H] in the weight type.</summary>
    public Tensor Embed(Tensor ids)
    {
        using var scope = NewDisposeScope();
        return model.EmbedTokens.Lookup(ids).to_type(_weightType).MoveToOuterDisposeScope();
    }

    /// <summary>What all layers share for some positions without a cache; see <see cref="ForwardHidden(Tensor, Tensor?, Tensor?)"/>.</summary>
    /// <param name="length">T.</param>
    /// <param name="positions">[B, T] or [1, T]. The default is 0, 1, 2, ….</param>
    /// <param name="attentionMask">Broadcast to [B, heads, T, T]. The default is causal.</param>
    public DecoderSurroundings Surround(long length, Tensor? positions = null, Tensor? attentionMask = null)
    {
        using var scope = NewDisposeScope();
        var rotation = _rotary.At(positions ?? arange(length, device: Device).unsqueeze(0), _weightType);
        rotation.Cos.MoveToOuterDisposeScope();
        rotation.Sin.MoveToOuterDisposeScope();
        // Null stays null: SDPA's own causal flag is right where queries and keys start together.
        var mask = attentionMask is null || attentionMask.dtype == ScalarType.Bool ? attentionMask : attentionMask.to_type(_weightType);
        return new DecoderSurroundings(rotation, mask?.MoveToOuterDisposeScope());
    }

    /// <summary>What all layers share for sequences that stand one after another in one row.</summary>
    public DecoderSurroundings Surround(Segments segments)
    {
        ArgumentNullException.ThrowIfNull(segments);
        using var scope = NewDisposeScope();
        var rotation = _rotary.At(segments.Positions(Device), _weightType);
        rotation.Cos.MoveToOuterDisposeScope();
        rotation.Sin.MoveToOuterDisposeScope();
        return new DecoderSurroundings(rotation, null, segments);
    }

    /// <summary>One layer, without a cache: [B, T, H] -> [B, T, H].</summary>
    /// <param name="layer">Its index.</param>
    /// <param name="x">The residual stream before it.</param>
    /// <param name="surroundings">At the positions of x.</param>
    public Tensor RunLayer(int layer, Tensor x, DecoderSurroundings surroundings) => model.Layers[layer].Forward(x, surroundings, cache: null);

    /// <summary>The last step of <see cref="ForwardHidden(Tensor, Tensor?, Tensor?)"/>, the final norm: [B, T, H] -> [B, T, H].</summary>
    public Tensor Normalize(Tensor x) => model.Norm.call(x);

    /// <summary>The scores of the next token.</summary>
    /// <param name="hidden">[..., H], from <see cref="ForwardHidden(Tensor, Tensor?, Tensor?)"/>.</param>
    /// <returns>[..., V] in float32, in the caller's dispose scope.</returns>
    public Tensor Logits(Tensor hidden) => lm_head.Score(hidden);

    /// <inheritdoc />
    protected override void Dispose(bool disposing)
    {
        if (disposing) _rotary.Dispose();
        base.Dispose(disposing);
    }

    // [B, T, H] -> [B, T, H]
    private Tensor Run(Tensor embedded, DecoderSurroundings surroundings, CachePass? pass = null)
    {
        using var scope = NewDisposeScope();
        var x = embedded;
        for (var i = 0; i < LayerCount; i++)
        {
            var next = model.Layers[i].Forward(x, surroundings, pass?.Cache[i], pass);
            if (i > 0) x.Dispose(); // What gradients need of it, autograd holds itself.
            x = next;
        }

        return Normalize(x).MoveToOuterDisposeScope();
    }
}
