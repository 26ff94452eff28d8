using Microsoft.ML.OnnxRuntime;

namespace Alpaca.Inference.Onnx;

/// <summary>A cache for graphs whose layers give a longer copy of it: what a pass gives is the past of the next one.</summary>
/// <remarks>Sequences are run one by one, for a graph has one length for the pasts of all rows.</remarks>
internal sealed class GrowingKeyValueCache : IKeyValueCache
{
    private readonly InferenceSession _session;
    private readonly DecoderSignature _signature;
    private readonly PassTensors _tensors;
    private readonly IReadOnlyList<OnnxAdapter> _adapters;
    private readonly RunOptions _runOptions = new();
    private readonly (string Past, string Present)[] _names;
    private readonly Past[] _slots;

    public GrowingKeyValueCache(InferenceSession session, DecoderSignature signature, PassTensors tensors, IReadOnlyList<OnnxAdapter> adapters, int slots)
    {
        (_session, _signature, _tensors, _adapters) = (session, signature, tensors, adapters);
        _names = [.. signature.CacheNames()];
        _slots = [.. Enumerable.Range(0, slots).Select(_ => Empty())];
    }

    /// <inheritdoc />
    public bool TakesBatches => false;

    /// <inheritdoc />
    public void Run(Pass pass, int position, int hiddenSize = 0)
    {
        if (_slots[pass.FirstSlot].Length > position) Replace(pass.FirstSlot, First(_slots[pass.FirstSlot], position));
        var past = _slots[pass.FirstSlot];
        using var bound = new BoundPass(_session);
        for (var part = 0; part < _names.Length; part++)
        {
            bound.Binding.BindInput(_names[part].Past, past.Parts[part]);
            bound.Binding.BindOutputToDevice(_names[part].Present, OrtMemoryInfo.DefaultInstance);
        }

        if (pass.Adapter is { } adapter) _adapters[adapter].BindTo(bound.Binding);
        bound.Bind(pass, _tensors, hiddenSize);
        _session.RunWithBinding(_runOptions, bound.Binding);

        // In the order in which they were bound: the cache first, then the pass's own tensors, of which these are second handles.
        var outputs = bound.Binding.GetOutputValues();
        foreach (var other in outputs.Skip(_names.Length)) other.Dispose();
        Replace(pass.FirstSlot, new Past([.. outputs.Take(_names.Length)], position + pass.Tokens));
    }

    /// <inheritdoc />
    public void Copy(int source, int target, int length) => Replace(target, First(_slots[source], length));

    /// <inheritdoc />
    public void Dispose()
    {
        foreach (var slot in _slots) slot.Dispose();
        _runOptions.Dispose();
    }

    private void Replace(int slot, Past past)
    {
        _slots[slot].Dispose();
        _slots[slot] = past;
    }

    private Past Empty() => new([.. _names.Select(_ => Allocate(0))], 0);

    /// <summary>A copy of the first positions.</summary>
    private Past First(Past past, int length)
    {
        var parts = new OrtValue[_names.Length];
        for (var part = 0; part < parts.Length; part++)
        {
            parts[part] = Allocate(length);
            if (length == 0) continue;
            var source = past.Parts[part].GetTensorMutableRawData(); // [1, KV heads, past length, head size]
            var target = parts[part].GetTensorMutableRawData();      // [1, KV heads, length, head size]
            var (from, to) = (source.Length / _signature.KeyValueHeads, target.Length / _signature.KeyValueHeads);
            for (var head = 0; head < _signature.KeyValueHeads; head++) source.Slice(head * from, to).CopyTo(target[(head * to)..]);
        }

        return new Past(parts, length);
    }

    private OrtValue Allocate(int length)
        => OrtValue.CreateAllocatedTensorValue(OrtAllocator.DefaultInstance, _signature.CacheType, [1, _signature.KeyValueHeads, length, _signature.HeadSize]);

    /// <summary>The cache of a slot.</summary>
    /// <param name="Parts">Keys and values of each layer, [1, KV heads, <paramref name="Length"/>, head size].</param>
    /// <param name="Length">Positions.</param>
    private sealed record Past(OrtValue[] Parts, int Length) : IDisposable
    {
        public void Dispose()
        {
            foreach (var part in Parts) part.Dispose();
        }
    }
}
