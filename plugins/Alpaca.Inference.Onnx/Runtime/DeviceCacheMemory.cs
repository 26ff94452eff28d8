using Alpaca.Abstractions;
using Microsoft.ML.OnnxRuntime;
using Microsoft.ML.OnnxRuntime.Tensors;

namespace Alpaca.Inference.Onnx;

/// <summary>Cache memory of a CUDA device.</summary>
internal sealed class DeviceCacheMemory : ICacheMemory
{
    private readonly OrtAllocator _allocator;
    private readonly List<OrtMemoryAllocation> _parts = [];

    /// <summary>Allocates.</summary>
    /// <param name="session">A session that runs on the device.</param>
    /// <param name="device">Its number.</param>
    /// <param name="parts">How many pieces.</param>
    /// <param name="bytes">The size of each; below 4 GiB.</param>
    public DeviceCacheMemory(InferenceSession session, int device, int parts, long bytes)
    {
        if (bytes > uint.MaxValue)
            throw new AlpacaException($"The keys of a layer would take {bytes >> 20} MiB on the device, and ONNX Runtime gives 4096 at most; lower the context length or the number of sequences at a time (MaxConcurrency).");
        Info = new OrtMemoryInfo(OrtMemoryInfo.allocatorCUDA, OrtAllocatorType.DeviceAllocator, device, OrtMemType.Default);
        _allocator = new OrtAllocator(session, Info);
        try
        {
            while (_parts.Count < parts) _parts.Add(_allocator.Allocate((uint)bytes));
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    /// <inheritdoc />
    public OrtMemoryInfo Info { get; }

    /// <inheritdoc />
    public nint Address(int part) => _parts[part].DangerousGetHandle();

    /// <inheritdoc />
    public void Copy(int part, long source, long target, long bytes)
    {
        using var from = Bytes(source);
        using var to = Bytes(target);
        OrtEnv.Instance().CopyTensors([from], [to], null);

        OrtValue Bytes(long offset) => OrtValue.CreateTensorValueWithData(Info, TensorElementType.UInt8, [bytes], Address(part) + (nint)offset, bytes);
    }

    /// <inheritdoc />
    public void Dispose()
    {
        foreach (var part in _parts) part.Dispose();
        _allocator.Dispose();
        Info.Dispose();
    }
}
