using Alpaca.Formats;
using static TorchSharp.torch;

namespace Alpaca.Llama;

/// <summary>The keys and values of all positions computed so far, so that a new position costs one row of attention instead of a whole pass.</summary>
/// <remarks>Allocated once, [B, kvHeads, capacity, headDim] twice per layer, and written in place. Belongs to one sequence, or to one batch of equal length.</remarks>
public sealed class KeyValueCache : IDisposable
{
    private readonly LayerCache[] _layers;

    /// <summary>Allocates an empty cache.</summary>
    /// <param name="config">Gives layers, key-value heads and head size.</param>
    /// <param name="capacity">Most positions it can hold.</param>
    /// <param name="type">The model's weight type.</param>
    /// <param name="device">The model's device.</param>
    /// <param name="batch">Sequences. The default is 1.</param>
    public KeyValueCache(LlamaConfig config, int capacity, ScalarType type, Device device, int batch = 1)
    {
        ArgumentNullException.ThrowIfNull(config);
        ArgumentOutOfRangeException.ThrowIfLessThan(capacity, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(batch, 1);
        Capacity = capacity;
        long[] shape = [batch, config.NumKeyValueHeads, capacity, config.HeadDim];
        _layers = new LayerCache[config.NumHiddenLayers];
        for (var i = 0; i < _layers.Length; i++)
            _layers[i] = new LayerCache(this, Allocate(), Allocate());

        Tensor Allocate() => empty(shape, dtype: type, device: device).DetachFromDisposeScope();
    }

    /// <summary>Most positions it can hold.</summary>
    public int Capacity { get; }

    /// <summary>Positions it holds.</summary>
    public int Length { get; private set; }

    internal LayerCache this[int layer] => _layers[layer];

    /// <summary>Throws if so many positions more do not fit.</summary>
    internal void EnsureFits(long positions)
    {
        if (Length + positions > Capacity)
            throw new InvalidOperationException($"The cache holds {Length} of {Capacity} positions; {positions} more do not fit.");
    }

    /// <summary>Counts the positions that every layer has appended.</summary>
    internal void Advance(long positions) => Length += (int)positions;

    /// <inheritdoc />
    public void Dispose()
    {
        foreach (var layer in _layers) layer.Dispose();
    }
}

/// <summary>One layer's part of a <see cref="KeyValueCache"/>.</summary>
internal sealed class LayerCache(KeyValueCache cache, Tensor keys, Tensor values) : IDisposable
{
    /// <summary>Writes the keys and values of new positions after those held.</summary>
    /// <param name="newKeys">[B, kvHeads, T, hd].</param>
    /// <param name="newValues">[B, kvHeads, T, hd].</param>
    /// <returns>Views of everything held, the new positions included: [B, kvHeads, S, hd].</returns>
    public (Tensor Keys, Tensor Values) Append(Tensor newKeys, Tensor newValues)
    {
        var count = newKeys.shape[2];
        return (Write(keys, newKeys), Write(values, newValues));

        Tensor Write(Tensor buffer, Tensor rows)
        {
            using var slot = buffer.narrow(2, cache.Length, count);
            slot.copy_(rows);
            return buffer.narrow(2, 0, cache.Length + count);
        }
    }

    public void Dispose()
    {
        keys.Dispose();
        values.Dispose();
    }
}
