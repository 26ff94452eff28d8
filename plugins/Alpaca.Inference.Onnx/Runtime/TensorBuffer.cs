using System.Runtime.InteropServices;
using Microsoft.ML.OnnxRuntime;
using Microsoft.ML.OnnxRuntime.Tensors;

namespace Alpaca.Inference.Onnx;

/// <summary>A tensor in native memory that ONNX Runtime reads and writes in place.</summary>
/// <remarks>The memory is not cleared: the system hands out the pages of a large buffer only when they are first written.</remarks>
internal sealed unsafe class TensorBuffer<T> : IDisposable
    where T : unmanaged
{
    private const int CacheLine = 64;

    private readonly int _length;
    private void* _data;

    /// <summary>Allocates a tensor of that shape.</summary>
    public TensorBuffer(params long[] shape)
    {
        var length = shape.Aggregate(1L, (product, size) => checked(product * size));
        var bytes = checked(length * sizeof(T));
        _length = (int)Math.Min(length, int.MaxValue);
        _data = NativeMemory.AlignedAlloc((nuint)bytes, CacheLine);
        Value = OrtValue.CreateTensorValueWithData(OrtMemoryInfo.DefaultInstance, ElementType, shape, (nint)_data, bytes);
    }

    /// <summary>The tensor as ONNX Runtime takes it.</summary>
    public OrtValue Value { get; }

    /// <summary>The elements, row-major; of a tensor with more than 2^31, the first ones.</summary>
    public Span<T> Span => new(_data, _length);

    private static TensorElementType ElementType =>
        typeof(T) == typeof(float) ? TensorElementType.Float
        : typeof(T) == typeof(long) ? TensorElementType.Int64
        : throw new NotSupportedException($"No tensor element type for {typeof(T)}.");

    /// <inheritdoc />
    public void Dispose()
    {
        Value.Dispose();
        NativeMemory.AlignedFree(_data);
        _data = null;
    }
}
