using System.Runtime.InteropServices;
using Alpaca.Abstractions;
using Alpaca.Formats;
using static TorchSharp.torch;

namespace Alpaca.Llama;

/// <summary>The keys and values of several sequences, each in a slot, so that a new position costs one row of attention instead of a whole pass.</summary>
/// <remarks>
/// Written in place: [slots, kvHeads, positions, headDim] twice per layer. It grows as slots and positions are first used, by doubling, so that a model with a long context takes no more memory than its sequences
/// need. Where a sequence ends is the caller's business: whatever lies behind the positions of a pass is not looked at.
/// </remarks>
public sealed class KeyValueCache : IDisposable
{
    private const int LeastPositions = 256;

    private readonly LlamaConfig _config;
    private readonly ScalarType _type;
    private readonly Device _device;
    private readonly LayerCache[] _layers;
    private int _allocatedSlots;
    private int _allocatedPositions;

    /// <summary>Creates an empty cache.</summary>
    /// <param name="config">Gives layers, key-value heads and head size.</param>
    /// <param name="slots">Most sequences.</param>
    /// <param name="capacity">Most positions of each.</param>
    /// <param name="type">The model's weight type.</param>
    /// <param name="device">The model's device.</param>
    public KeyValueCache(LlamaConfig config, int slots, int capacity, ScalarType type, Device device)
    {
        ArgumentNullException.ThrowIfNull(config);
        ArgumentOutOfRangeException.ThrowIfLessThan(slots, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(capacity, 1);
        (_config, _type, _device, Slots, Capacity) = (config, type, device, slots, capacity);
        _layers = [.. Enumerable.Range(0, config.NumHiddenLayers).Select(_ => new LayerCache())];
    }

    /// <summary>Most sequences.</summary>
    public int Slots { get; }

    /// <summary>Most positions of a sequence.</summary>
    public int Capacity { get; }

    /// <summary>A pass that appends positions to one slot.</summary>
    /// <param name="slot">The slot.</param>
    /// <param name="position">The first of them.</param>
    /// <param name="count">T, how many.</param>
    /// <exception cref="InvalidOperationException">The slot has no room for them.</exception>
    public CachePass Extend(int slot, int position, int count)
    {
        Reserve(slot + 1, position + count);
        return new CachePass(this, slot, 1, position + count, position, null, null);
    }

    /// <summary>A pass that appends one position to each of several neighbouring slots. Its tensors are in the current dispose scope.</summary>
    /// <param name="firstSlot">The first slot.</param>
    /// <param name="positions">The position in each.</param>
    /// <param name="onDevice">The same on the model's device, [slots] int64.</param>
    /// <exception cref="InvalidOperationException">A slot has no room for it.</exception>
    public CachePass Step(int firstSlot, ReadOnlySpan<int> positions, Tensor onDevice)
    {
        ArgumentNullException.ThrowIfNull(onDevice);
        var (shortest, longest) = (int.MaxValue, 0);
        foreach (var position in positions) (shortest, longest) = (Math.Min(shortest, position), Math.Max(longest, position));
        Reserve(firstSlot + positions.Length, longest + 1);
        if (shortest == longest) return new CachePass(this, firstSlot, positions.Length, longest + 1, longest, null, null);

        using var scope = NewDisposeScope();
        var rows = positions.Length;
        // A few more keys than there are, which the mask hides: attention kernels want rows of the mask that begin at even addresses.
        var keys = Math.Min((longest + 1 + 7) / 8 * 8, _allocatedPositions);
        var index = onDevice.view(rows, 1, 1, 1).expand(rows, _config.NumKeyValueHeads, 1, _config.HeadDim);
        var unseen = arange(keys, device: _device).unsqueeze(0).gt(onDevice.unsqueeze(1)).view(rows, 1, 1, keys);
        var mask = zeros([rows, 1, 1, keys], dtype: _type, device: _device).masked_fill_(unseen, float.NegativeInfinity);
        return new CachePass(this, firstSlot, rows, keys, null, index.MoveToOuterDisposeScope(), mask.MoveToOuterDisposeScope());
    }

    /// <summary>Copies the first positions of one slot to another.</summary>
    public void Copy(int source, int target, int length)
    {
        Reserve(Math.Max(source, target) + 1, Math.Max(length, 1));
        using var inference = inference_mode();
        using var scope = NewDisposeScope();
        foreach (var layer in _layers)
        {
            foreach (var part in (Tensor[])[layer.Keys!, layer.Values!]) Part(part, target).copy_(Part(part, source));
        }

        Tensor Part(Tensor buffer, int slot) => buffer.narrow(0, slot, 1).narrow(2, 0, length);
    }

    internal LayerCache this[int layer] => _layers[layer];

    /// <inheritdoc />
    public void Dispose()
    {
        foreach (var layer in _layers) layer.Dispose();
    }

    /// <exception cref="AlpacaException">There is no memory for them; what is allocated stays of use.</exception>
    private void Reserve(int slots, int positions)
    {
        if (positions > Capacity) throw new InvalidOperationException($"A slot of the cache holds {Capacity} positions, and {positions} are wanted.");
        ArgumentOutOfRangeException.ThrowIfGreaterThan(slots, Slots);
        if (slots <= _allocatedSlots && positions <= _allocatedPositions) return;

        var newSlots = Grown(slots, _allocatedSlots, 1, Slots);
        var newPositions = Grown(positions, _allocatedPositions, LeastPositions, Capacity);
        using var withoutGradient = no_grad();
        try
        {
            foreach (var layer in _layers) layer.Grow([newSlots, _config.NumKeyValueHeads, newPositions, _config.HeadDim], _type, _device);
        }
        catch (ExternalException e) when (IsMemoryShortage(e))
        {
            throw new AlpacaException($"There is no memory for the keys and values of {newSlots} sequences of {newPositions} tokens; lower the number of sequences at a time (MaxConcurrency) or the context length (ContextLength).", e);
        }

        (_allocatedSlots, _allocatedPositions) = (newSlots, newPositions);

        static int Grown(int wanted, int have, int least, int most)
        {
            var size = Math.Max(have, least);
            while (size < wanted) size *= 2;
            return Math.Min(size, most);
        }

        // libtorch's exceptions differ in text only.
        static bool IsMemoryShortage(ExternalException failure)
            => failure.Message.Contains("can't allocate memory", StringComparison.Ordinal)
            || failure.Message.Contains("not enough memory", StringComparison.Ordinal)
            || failure.Message.Contains("out of memory", StringComparison.OrdinalIgnoreCase);
    }
}

/// <summary>Where the keys and values of a pass go, and which of them it sees.</summary>
/// <param name="Cache">The cache.</param>
/// <param name="FirstSlot">The slot of the first row.</param>
/// <param name="Rows">B, neighbouring slots.</param>
/// <param name="Keys">S, positions that the pass looks at.</param>
/// <param name="Start">Where the new positions begin, if in every row alike.</param>
/// <param name="Index">Otherwise the position of each row, [B, kvHeads, 1, hd] int64.</param>
/// <param name="Mask">What is added to the scores, [B, 1, 1, S]; <see langword="null"/> where causality is all.</param>
public sealed record CachePass(KeyValueCache Cache, int FirstSlot, int Rows, int Keys, int? Start, Tensor? Index, Tensor? Mask);

/// <summary>One layer's part of a <see cref="KeyValueCache"/>.</summary>
internal sealed class LayerCache : IDisposable
{
    /// <summary>[slots, kvHeads, positions, hd].</summary>
    public Tensor? Keys { get; private set; }

    /// <summary>[slots, kvHeads, positions, hd].</summary>
    public Tensor? Values { get; private set; }

    /// <summary>Writes the keys and values of new positions.</summary>
    /// <param name="newKeys">[B, kvHeads, T, hd].</param>
    /// <param name="newValues">[B, kvHeads, T, hd].</param>
    /// <param name="pass">Where they go.</param>
    /// <returns>Views of all that the pass sees, the new positions included: [B, kvHeads, S, hd].</returns>
    public (Tensor Keys, Tensor Values) Append(Tensor newKeys, Tensor newValues, CachePass pass)
    {
        return (Write(Keys!, newKeys), Write(Values!, newValues));

        Tensor Write(Tensor buffer, Tensor rows)
        {
            using var slots = buffer.narrow(0, pass.FirstSlot, pass.Rows);
            if (pass.Start is { } start)
            {
                using var place = slots.narrow(2, start, rows.shape[2]);
                place.copy_(rows);
            }
            else
            {
                slots.scatter_(2, pass.Index!, rows);
            }

            return slots.narrow(2, 0, pass.Keys);
        }
    }

    /// <summary>Moves to larger buffers. Where there is no memory for them, what is there stays as it is, be it larger than that of other layers.</summary>
    public void Grow(long[] shape, ScalarType type, Device device)
    {
        Keys = Larger(Keys);
        Values = Larger(Values);

        Tensor Larger(Tensor? old)
        {
            // Zeros, since a masked position still is multiplied, by zero, and memory as it comes may hold what is not a number.
            if (old is not null && old.shape[0] >= shape[0] && old.shape[2] >= shape[2]) return old;
            long[] size = [Math.Max(shape[0], old?.shape[0] ?? 0), shape[1], Math.Max(shape[2], old?.shape[2] ?? 0), shape[3]];
            var larger = zeros(size, dtype: type, device: device).DetachFromDisposeScope();
            if (old is null) return larger;
            using var place = larger.narrow(0, 0, old.shape[0]);
            using var positions = place.narrow(2, 0, old.shape[2]);
            positions.copy_(old);
            old.Dispose();
            return larger;
        }
    }

    public void Dispose()
    {
        Keys?.Dispose();
        Values?.Dispose();
    }
}
