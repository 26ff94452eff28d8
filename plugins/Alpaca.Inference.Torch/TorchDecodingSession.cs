using Alpaca.Llama;
using Alpaca.Text;
using static TorchSharp.torch;

namespace Alpaca.Inference.Torch;

/// <summary>One sequence and its key-value cache.</summary>
/// <param name="model">Shared with other sessions; not disposed here.</param>
/// <param name="numerics">Where the model runs.</param>
/// <param name="capacity">The longest sequence.</param>
/// <param name="prefillChunk">Most positions in one pass: bounds the memory of a long prompt, at next to no cost in speed.</param>
internal sealed class TorchDecodingSession(LlamaModel model, NumericsThread numerics, int capacity, int prefillChunk = 512) : IDecodingSession
{
    private readonly KeyValueCache _cache = model.CreateCache(capacity);

    /// <inheritdoc />
    public void Forward(ReadOnlySpan<int> ids, Span<float> lastLogits)
    {
        ArgumentOutOfRangeException.ThrowIfZero(ids.Length);
        var sequence = new long[ids.Length];
        for (var i = 0; i < ids.Length; i++) sequence[i] = ids[i];
        numerics.Run(() => LastLogits(sequence)).CopyTo(lastLogits);
    }

    /// <inheritdoc />
    public void Dispose() => _cache.Dispose();

    private float[] LastLogits(long[] ids)
    {
        using var inference = inference_mode();
        using var scope = NewDisposeScope();
        var row = tensor(ids, device: model.Device).unsqueeze(0); // [1, T]
        long start = 0;
        for (; ids.Length - start > prefillChunk; start += prefillChunk)
        {
            using var chunk = NewDisposeScope();
            model.ForwardHidden(row.narrow(1, start, prefillChunk), cache: _cache);
        }

        var hidden = model.ForwardHidden(row.narrow(1, start, ids.Length - start), cache: _cache); // [1, T', H]
        return model.Logits(hidden.narrow(1, hidden.shape[1] - 1, 1)).cpu().data<float>().ToArray(); // [1, 1, V]
    }
}
