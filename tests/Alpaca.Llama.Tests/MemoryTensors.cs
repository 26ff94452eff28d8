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
        foreach (var (name, _, shape) in LlamaTensorNames.Describe(config))
        {
            // Uniform with variance 1 / columns, so that activations keep their size; norms around 1.
            var scale = MathF.Sqrt(12f / shape[^1]);
            var count = shape.Aggregate(1L, (product, size) => product * size);
            tensors.Set(name, shape, [.. Enumerable.Range(0, (int)count).Select(_ => shape.Count == 1 ? 0.8f + 0.4f * random.NextSingle() : (random.NextSingle() - 0.5f) * scale)]);
        }

        return tensors;
    }

    public void Set(string name, IReadOnlyList<long> shape, float[] values) => _tensors[name] = (new TensorInfo(name, DType.Float32, shape), values);

    public void Remove(string name) => _tensors.Remove(name);

    public float[] Values(string name) => _tensors[name].Values;

    public TensorInfo? Find(string name) => _tensors.TryGetValue(name, out var tensor) ? tensor.Info : null;

    public void Read(TensorInfo tensor, long byteOffset, Span<byte> destination) =>
        MemoryMarshal.AsBytes(Values(tensor.Name).AsSpan()).Slice((int)byteOffset, destination.Length).CopyTo(destination);

    public void Dispose()
    {
    }
}
