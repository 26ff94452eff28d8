using System.Runtime.InteropServices;
using Microsoft.ML.OnnxRuntime;
using Microsoft.ML.OnnxRuntime.Tensors;

namespace Alpaca.Inference.Onnx;

/// <summary>Native memory over which tensors are laid that ONNX Runtime reads and writes in place.</summary>
/// <remarks>The memory is not cleared: the system hands out the pages of a large buffer only when they are first written.</remarks>
internal sealed unsafe class NativeBuffer : IDisposable
{
    private const int CacheLine = 64;

    private byte* _data;

    /// <summary>Allocates memory.</summary>
    /// <param name="bytes">Its size.</param>
    /// <exception cref="OutOfMemoryException">The system does not give that much.</exception>
    public NativeBuffer(long bytes)
    {
        Length = bytes;
        _data = (byte*)NativeMemory.AlignedAlloc(checked((nuint)bytes), CacheLine);
    }

    /// <summary>Bytes.</summary>
    public long Length { get; }

    /// <summary>Where it begins.</summary>
    public nint Address => (nint)_data;

    /// <summary>A tensor over a part of the memory; the caller disposes it before the memory.</summary>
    /// <param name="type">Its element type.</param>
    /// <param name="shape">Its sizes.</param>
    public OrtValue Tensor(TensorElementType type, params long[] shape)
    {
        var bytes = shape.Aggregate(ElementTypes.Size(type)!.Value, (long product, long size) => checked(product * size));
        ArgumentOutOfRangeException.ThrowIfGreaterThan(bytes, Length);
        return OrtValue.CreateTensorValueWithData(OrtMemoryInfo.DefaultInstance, type, shape, Address, bytes);
    }

    /// <summary>The first elements.</summary>
    public Span<T> Span<T>(int length)
        where T : unmanaged
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan((long)length * sizeof(T), Length);
        return new Span<T>(_data, length);
    }

    /// <inheritdoc />
    public void Dispose()
    {
        NativeMemory.AlignedFree(_data);
        _data = null;
    }
}
