using System.Runtime.InteropServices;
using Alpaca.Abstractions;
using Alpaca.Llama;
using Alpaca.Text;
using TorchSharp;
using static TorchSharp.torch;

namespace Alpaca.Inference.Torch;

/// <summary>The passes of a model that TorchSharp runs.</summary>
internal sealed class TorchDecoder : IDecoder
{
    // Bounds the memory of a long text's activations, at next to no cost in speed.
    private const int MostTokens = 256;

    private readonly LlamaModel _model;
    private readonly TorchAdapters _adapters;
    private readonly KeyValueCache _cache;
    private Tensor? _logits; // what the last call returned lies in it

    /// <summary>Takes a loaded model over.</summary>
    /// <param name="model">Made with the projections of <paramref name="adapters"/>; disposed with the decoder.</param>
    /// <param name="adapters">Disposed with the decoder.</param>
    /// <param name="contextLength">Positions of a slot.</param>
    /// <param name="slots">Sequences and a spare one.</param>
    public TorchDecoder(LlamaModel model, TorchAdapters adapters, int contextLength, int slots)
    {
        (_model, _adapters, ContextLength, Slots) = (model, adapters, contextLength, slots);
        _cache = model.CreateCache(contextLength, slots);
        VocabularySize = Math.Max(model.Config.VocabSize, adapters.VocabularySize);
    }

    /// <inheritdoc />
    public int VocabularySize { get; }

    /// <inheritdoc />
    public int HiddenSize => _model.Config.HiddenSize;

    /// <inheritdoc />
    public int ContextLength { get; }

    /// <inheritdoc />
    public int Slots { get; }

    /// <inheritdoc />
    public IReadOnlyList<string> Adapters => _adapters.Names;

    /// <inheritdoc />
    public ReadOnlySpan<float> Extend(int slot, int position, ReadOnlySpan<int> ids, int? adapter, LogitRows rows)
    {
        ArgumentOutOfRangeException.ThrowIfZero(ids.Length, nameof(ids));
        using var inference = inference_mode();
        using var scope = NewDisposeScope();
        using var chosen = _adapters.Use(adapter);
        ThrowIfUnknown(ids);
        var hidden = Append(slot, position, ids); // [1, T, H]
        return rows switch
        {
            LogitRows.None => [],
            LogitRows.Last => Logits(hidden.narrow(1, ids.Length - 1, 1)),
            _ => Logits(hidden),
        };
    }

    /// <inheritdoc />
    public ReadOnlySpan<float> Step(int firstSlot, ReadOnlySpan<int> ids, ReadOnlySpan<int> positions, int? adapter)
    {
        ArgumentOutOfRangeException.ThrowIfZero(ids.Length, nameof(ids));
        using var inference = inference_mode();
        using var scope = NewDisposeScope();
        using var chosen = _adapters.Use(adapter);
        ThrowIfUnknown(ids);
        var both = new long[2 * ids.Length]; // ids and positions go to the device together
        for (var i = 0; i < ids.Length; i++) (both[i], both[ids.Length + i]) = (ids[i], positions[i]);
        var uploaded = tensor(both, [2, ids.Length], device: _model.Device); // [2, B]
        var places = uploaded[1];
        var embedded = Embedded(uploaded[0].unsqueeze(1)); // [B, 1, H]
        return Logits(_model.ForwardHidden(embedded, places.unsqueeze(1), _cache.Step(firstSlot, positions, places)));
    }

    /// <inheritdoc />
    public void Copy(int source, int target, int length) => _cache.Copy(source, target, length);

    /// <inheritdoc />
    public void Embed(int slot, ReadOnlySpan<int> ids, int? adapter, Span<float> mean)
    {
        using var inference = inference_mode();
        using var scope = NewDisposeScope();
        using var chosen = _adapters.Use(adapter);
        ThrowIfUnknown(ids);
        var sum = zeros(HiddenSize, dtype: ScalarType.Float32, device: _model.Device);
        for (var start = 0; start < ids.Length; start += MostTokens)
        {
            using var part = NewDisposeScope();
            var hidden = Append(slot, start, ids.Slice(start, Math.Min(MostTokens, ids.Length - start)));
            sum.add_(hidden.sum(1, type: ScalarType.Float32).squeeze(0)); // [1, T, H] -> [H]
        }

        MemoryMarshal.Cast<byte, float>(sum.div_(ids.Length).cpu().bytes).CopyTo(mean);
    }

    /// <inheritdoc />
    public void Dispose()
    {
        _logits?.Dispose();
        _cache.Dispose();
        _model.Dispose();
        _adapters.Dispose();
    }

    /// <summary>An id that only some adapter knows must not reach another embedding: on CUDA that ends the process.</summary>
    private void ThrowIfUnknown(ReadOnlySpan<int> ids)
    {
        var rows = _adapters.EmbeddingRows ?? _model.Config.VocabSize;
        foreach (var id in ids)
        {
            if (id >= rows) throw new AlpacaException($"The id {id} is not among the {rows} that are known here, the vocabulary of the model or of the adapter in use; use the tokenizer that belongs to it.");
        }
    }

    private Tensor Append(int slot, int position, ReadOnlySpan<int> ids)
    {
        var row = new long[ids.Length];
        for (var i = 0; i < row.Length; i++) row[i] = ids[i];
        var positions = arange(position, position + row.Length, device: _model.Device).unsqueeze(0); // [1, T]
        return _model.ForwardHidden(Embedded(tensor(row, [1, row.Length], device: _model.Device)), positions, _cache.Extend(slot, position, row.Length));
    }

    private Tensor Embedded(Tensor ids) => _adapters.Embed(ids) ?? _model.Embed(ids);

    // [B, T, H] -> [B * T, V]
    private ReadOnlySpan<float> Logits(Tensor hidden)
    {
        var logits = _adapters.Score(hidden) ?? _model.Logits(hidden);
        var missing = VocabularySize - logits.shape[^1];
        if (missing > 0) logits = nn.functional.pad(logits, [0, missing], PaddingModes.Constant, double.NegativeInfinity);
        _logits?.Dispose();
        _logits = logits.cpu().contiguous().DetachFromDisposeScope();
        return MemoryMarshal.Cast<byte, float>(_logits.bytes);
    }
}
