using System.Runtime.InteropServices;
using Alpaca.Formats;

namespace Alpaca.Llama.Tests;

/// <summary>Float32 tensors in memory; <see cref="Random"/> makes those of a whole model.</summary>
internal sealed class MemoryTensors : ITensorSource
{
    private readonly Dictionary<string, (TensorInfo Info, float[] Values)> _tensors = [];

    public IReadOnlyList<TensorInfo> Tensors => [.. _tensors.Values.Select(tensor => tensor.Info)];

    public static MemoryTensors Random(LlamaConfig config, int seed = 1)
    {
        var tensors = new MemoryTensors();
        var random = new Random(seed);
        var (hidden, ffn) = (config.HiddenSize, config.IntermediateSize);
        Add("model.embed_tokens.weight", config.VocabSize, hidden);
        for (var i = 0; i < config.NumHiddenLayers; i++)
        {
            var layer = $"model.layers.{i}";
            Add($"{layer}.self_attn.q_proj.weight", config.NumAttentionHeads * config.HeadDim, hidden);
            Add($"{layer}.self_attn.k_proj.weight", config.NumKeyValueHeads * config.HeadDim, hidden);
            Add($"{layer}.self_attn.v_proj.weight", config.NumKeyValueHeads * config.HeadDim, hidden);
            Add($"{layer}.self_attn.o_proj.weight", hidden, config.NumAttentionHeads * config.HeadDim);
            Add($"{layer}.mlp.gate_proj.weight", ffn, hidden);
            Add($"{layer}.mlp.up_proj.weight", ffn, hidden);
            Add($"{layer}.mlp.down_proj.weight", hidden, ffn);
            Add($"{layer}.input_layernorm.weight", hidden);
            Add($"{layer}.post_attention_layernorm.weight", hidden);
        }

        Add("model.norm.weight", hidden);
        if (!config.TieWordEmbeddings) Add("lm_head.weight", config.VocabSize, hidden);
        return tensors;

        // Uniform with variance 1 / columns, so that activations keep their size; norms around 1.
        void Add(string name, params long[] shape)
        {
            var count = shape.Aggregate(1L, (product, size) => product * size);
            var scale = MathF.Sqrt(12f / shape[^1]);
            tensors.Set(name, shape, [.. Enumerable.Range(0, (int)count).Select(_ => shape.Length == 1 ? 0.8f + 0.4f * random.NextSingle() : (random.NextSingle() - 0.5f) * scale)]);
        }
    }

    public void Set(string name, long[] shape, float[] values) => _tensors[name] = (new TensorInfo(name, DType.Float32, shape), values);

    public float[] Values(string name) => _tensors[name].Values;

    public TensorInfo? Find(string name) => _tensors.TryGetValue(name, out var tensor) ? tensor.Info : null;

    public void Read(TensorInfo tensor, long byteOffset, Span<byte> destination) =>
        MemoryMarshal.AsBytes(Values(tensor.Name).AsSpan()).Slice((int)byteOffset, destination.Length).CopyTo(destination);

    public void Dispose()
    {
    }
}
