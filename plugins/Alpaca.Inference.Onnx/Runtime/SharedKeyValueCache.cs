using Microsoft.ML.OnnxRuntime;

namespace Alpaca.Inference.Onnx;

/// <summary>A cache that layers extend in place: for each layer and part one piece of memory, [slots, KV heads, capacity, head size].</summary>
/// <remarks>
/// Neighbouring slots are a tensor [rows, KV heads, capacity, head size] within that memory. It is bound as past and as present, once for each choice of slots that comes up, so that a step of decoding binds
/// nothing and allocates nothing.
/// </remarks>
internal sealed class SharedKeyValueCache : IKeyValueCache
{
    // As many as all slots alone and the batches from the first one on, for the default number of slots; each has some OrtValues a layer.
    private const int MostBindings = 64;

    private readonly InferenceSession _session;
    private readonly DecoderSignature _signature;
    private readonly PassTensors _tensors;
    private readonly IReadOnlyList<OnnxAdapter> _adapters;
    private readonly long _capacity;
    private readonly ICacheMemory _memory;
    private readonly RunOptions _runOptions = new();
    private readonly Dictionary<(int FirstSlot, int Rows, int? Adapter, bool HasHidden), BoundPass> _bound = [];
    private readonly (string Past, string Present)[] _names;

    public SharedKeyValueCache(
        InferenceSession session, DecoderSignature signature, PassTensors tensors, IReadOnlyList<OnnxAdapter> adapters, int slots, int capacity, Func<int, long, ICacheMemory> allocate)
    {
        (_session, _signature, _tensors, _adapters, _capacity) = (session, signature, tensors, adapters, capacity);
        _names = [.. signature.CacheNames()];
        HeadBytes = (long)capacity * signature.HeadSize * ElementTypes.Size(signature.CacheType)!.Value;
        _memory = allocate(_names.Length, slots * SlotBytes);
    }

    /// <inheritdoc />
    public bool TakesBatches => true;

    private long HeadBytes { get; }

    private long SlotBytes => _signature.KeyValueHeads * HeadBytes;

    /// <inheritdoc />
    public void Run(Pass pass, int position, int hiddenSize = 0)
    {
        var key = (pass.FirstSlot, pass.Rows, pass.Adapter, hiddenSize > 0);
        if (!_bound.TryGetValue(key, out var bound))
        {
            if (_bound.Count == MostBindings) Unbind();
            _bound.Add(key, bound = BindCache(pass));
        }

        bound.Bind(pass, _tensors, hiddenSize);
        _session.RunWithBinding(_runOptions, bound.Binding);
    }

    /// <inheritdoc />
    public void Copy(int source, int target, int length)
    {
        var bytes = length * HeadBytes / _capacity;
        for (var part = 0; part < _names.Length; part++)
        {
            for (var head = 0L; head < _signature.KeyValueHeads; head++)
                _memory.Copy(part, source * SlotBytes + head * HeadBytes, target * SlotBytes + head * HeadBytes, bytes);
        }
    }

    /// <inheritdoc />
    public void Dispose()
    {
        Unbind();
        _memory.Dispose();
        _runOptions.Dispose();
    }

    private BoundPass BindCache(Pass pass)
    {
        var bound = new BoundPass(_session);
        long[] shape = [pass.Rows, _signature.KeyValueHeads, _capacity, _signature.HeadSize];
        for (var part = 0; part < _names.Length; part++)
        {
            var view = bound.Own(OrtValue.CreateTensorValueWithData(
                _memory.Info, _signature.CacheType, shape, _memory.Address(part) + (nint)(pass.FirstSlot * SlotBytes), pass.Rows * SlotBytes));
            bound.Binding.BindInput(_names[part].Past, view);
            bound.Binding.BindOutput(_names[part].Present, view);
        }

        if (pass.Adapter is { } adapter) _adapters[adapter].BindTo(bound.Binding);
        return bound;
    }

    private void Unbind()
    {
        foreach (var bound in _bound.Values) bound.Dispose();
        _bound.Clear();
    }
}
