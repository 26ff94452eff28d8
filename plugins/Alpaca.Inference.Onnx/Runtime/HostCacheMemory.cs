using Microsoft.ML.OnnxRuntime;

namespace Alpaca.Inference.Onnx;

/// <summary>Cache memory of the CPU. Pages that no sequence has reached take no memory.</summary>
internal sealed unsafe class HostCacheMemory : ICacheMemory
{
    private readonly List<NativeBuffer> _parts = [];

    public HostCacheMemory(int parts, long bytes)
    {
        try
        {
            while (_parts.Count < parts) _parts.Add(new NativeBuffer(bytes));
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    /// <inheritdoc />
    public OrtMemoryInfo Info => OrtMemoryInfo.DefaultInstance;

    /// <inheritdoc />
    public nint Address(int part) => _parts[part].Address;

    /// <inheritdoc />
    public void Copy(int part, long source, long target, long bytes)
    {
        var data = (byte*)_parts[part].Address;
        Buffer.MemoryCopy(data + source, data + target, bytes, bytes);
    }

    /// <inheritdoc />
    public void Dispose()
    {
        foreach (var part in _parts) part.Dispose();
        _parts.Clear();
    }
}
