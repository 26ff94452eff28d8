using System.Numerics.Tensors;
using Alpaca.Abstractions;
using Alpaca.Text;
using Microsoft.ML.OnnxRuntime;

namespace Alpaca.Inference.Onnx;

/// <summary>The passes of a model that ONNX Runtime has loaded.</summary>
internal sealed class OnnxDecoder : IDecoder
{
    // The mask's width is a size of the pass: it grows in steps of this many positions, so that tensors are bound anew once in a while only.
    private const int WidthUnit = 64;

    // Bounds the memory of the hidden states, and of logits where the graph gives those of all positions.
    private const int MostTokens = 256;

    private readonly InferenceSession _session;
    private readonly DecoderSignature _signature;
    private readonly IReadOnlyList<OnnxAdapter> _adapters;
    private readonly PassTensors _tensors;
    private readonly IKeyValueCache _cache;
    private float[] _stepLogits = [];

    /// <summary>Takes a loaded model over.</summary>
    /// <param name="session">The model; disposed with the decoder.</param>
    /// <param name="signature">Its signature.</param>
    /// <param name="hiddenSize">Elements of a hidden state.</param>
    /// <param name="contextLength">Positions of a slot.</param>
    /// <param name="slots">Sequences and a spare one.</param>
    /// <param name="adapters">Adapters; disposed with the decoder.</param>
    /// <param name="allocate">Allocates the memory of a cache that is extended in place: how many pieces, and the bytes of each. The default is the CPU's memory.</param>
    public OnnxDecoder(
        InferenceSession session, DecoderSignature signature, int hiddenSize, int contextLength, int slots, IReadOnlyList<OnnxAdapter> adapters, Func<int, long, ICacheMemory>? allocate = null)
    {
        (_session, _signature, _adapters) = (session, signature, adapters);
        (HiddenSize, ContextLength, Slots) = (hiddenSize, contextLength, slots);
        Adapters = [.. adapters.Select(adapter => adapter.Name)];
        _tensors = new PassTensors(signature);
        _cache = signature.SharesCache
            ? new SharedKeyValueCache(session, signature, _tensors, adapters, slots, contextLength, allocate ?? ((parts, bytes) => new HostCacheMemory(parts, bytes)))
            : new GrowingKeyValueCache(session, signature, _tensors, adapters, slots);
    }

    /// <inheritdoc />
    public int VocabularySize => _signature.VocabularySize;

    /// <inheritdoc />
    public int HiddenSize { get; }

    /// <inheritdoc />
    public int ContextLength { get; }

    /// <inheritdoc />
    public int Slots { get; }

    /// <inheritdoc />
    public IReadOnlyList<string> Adapters { get; }

    /// <inheritdoc />
    public ReadOnlySpan<float> Extend(int slot, int position, ReadOnlySpan<int> ids, int? adapter, LogitRows rows)
    {
        ThrowIfOutside(slot, 1);
        ArgumentOutOfRangeException.ThrowIfZero(ids.Length, nameof(ids));
        ArgumentOutOfRangeException.ThrowIfNegative(position);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(ids.Length, ContextLength - position, nameof(ids));
        var wantsAll = rows == LogitRows.All;
        for (; !wantsAll && ids.Length > MostTokens; ids = ids[MostTokens..], position += MostTokens) Run(slot, ids[..MostTokens], [position], adapter, wantsAllLogits: false);
        var pass = Run(slot, ids, [position], adapter, wantsAll);
        return _tensors.LastLogits(pass, rows switch
        {
            LogitRows.None => 0,
            LogitRows.Last => 1,
            _ => ids.Length,
        });
    }

    /// <inheritdoc />
    public ReadOnlySpan<float> Step(int firstSlot, ReadOnlySpan<int> ids, ReadOnlySpan<int> positions, int? adapter)
    {
        ThrowIfOutside(firstSlot, ids.Length);
        if (_cache.TakesBatches || ids.Length == 1) return _tensors.LastLogits(Run(firstSlot, ids, positions, adapter, wantsAllLogits: false), ids.Length);
        if (_stepLogits.Length < ids.Length * VocabularySize) _stepLogits = new float[ids.Length * VocabularySize];
        for (var i = 0; i < ids.Length; i++)
            Extend(firstSlot + i, positions[i], ids.Slice(i, 1), adapter, LogitRows.Last).CopyTo(_stepLogits.AsSpan(i * VocabularySize));
        return _stepLogits.AsSpan(0, ids.Length * VocabularySize);
    }

    /// <inheritdoc />
    public void Copy(int source, int target, int length)
    {
        ThrowIfOutside(source, 1);
        ThrowIfOutside(target, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(length, ContextLength);
        _cache.Copy(source, target, length);
    }

    /// <inheritdoc />
    public void Embed(int slot, ReadOnlySpan<int> ids, int? adapter, Span<float> mean)
    {
        ThrowIfOutside(slot, 1);
        if (!_signature.HasHiddenStates)
            throw new AlpacaException($"The ONNX model gives no {DecoderSignature.HiddenStates}, which embeddings are made of; export it again, or use the Torch backend.");
        mean.Clear();
        for (var position = 0; position < ids.Length; position += MostTokens)
        {
            var part = ids.Slice(position, Math.Min(MostTokens, ids.Length - position));
            var states = _tensors.HiddenStates(Run(slot, part, [position], adapter, wantsAllLogits: false, HiddenSize), HiddenSize); // [part, hidden]
            for (var i = 0; i < part.Length; i++) TensorPrimitives.Add(mean, states.Slice(i * HiddenSize, HiddenSize), mean);
        }

        TensorPrimitives.Divide(mean, ids.Length, mean);
    }

    /// <inheritdoc />
    public void Dispose()
    {
        _cache.Dispose();
        _tensors.Dispose();
        foreach (var adapter in _adapters) adapter.Dispose();
        _session.Dispose();
    }

    private Pass Run(int firstSlot, ReadOnlySpan<int> ids, ReadOnlySpan<int> positions, int? adapter, bool wantsAllLogits, int hiddenSize = 0)
    {
        var (rows, tokens) = (positions.Length, ids.Length / positions.Length);
        var longest = TensorPrimitives.Max(positions) + tokens;
        var pass = new Pass(firstSlot, rows, tokens, Width(longest), wantsAllLogits || !_signature.ChoosesLogits ? tokens : 1, adapter);
        _tensors.Fill(pass, ids, positions, wantsAllLogits, hiddenSize);
        try
        {
            _cache.Run(pass, positions[0], hiddenSize);
        }
        catch (OnnxRuntimeException e)
        {
            throw new AlpacaException($"ONNX Runtime could not run the model ({e.Message.Split('\n')[0]}); see whether there is memory left, or export the model again.", e);
        }

        return pass;
    }

    /// <summary>Past and present are of one length where the cache is extended in place, so the mask may be longer than what is there; otherwise it may not.</summary>
    private int Width(int longest) => _cache.TakesBatches ? Math.Min((longest + WidthUnit - 1) / WidthUnit * WidthUnit, ContextLength) : longest;

    private void ThrowIfOutside(int slot, int count)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(slot);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(count, Slots - slot);
    }
}
