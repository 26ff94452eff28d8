using System.Buffers;
using System.Numerics.Tensors;
using System.Runtime.InteropServices;
using Alpaca.Abstractions;
using Alpaca.Formats;

namespace Alpaca.Inference.Onnx;

/// <summary>Turns rows of float32 numbers into the bytes of a weight's initializers. Its buffers are used again for every weight.</summary>
internal sealed class WeightEncoder
{
    private const float LargestHalf = 65504;

    private readonly byte[][] _buffers = [[], [], []];

    /// <summary>Takes the bytes of the rows of one of the weight's parts.</summary>
    internal delegate void PartWriter(int part, ReadOnlySpan<byte> bytes);

    /// <summary>Encodes a block of rows.</summary>
    /// <param name="weight">The weight they belong to.</param>
    /// <param name="values">The rows.</param>
    /// <param name="rows">How many.</param>
    /// <param name="write">Called for each part.</param>
    /// <exception cref="AlpacaException">A number has no place in the stored type.</exception>
    public void Encode(GraphWeight weight, ReadOnlyMemory<float> values, int rows, PartWriter write)
    {
        switch (weight)
        {
            case GraphWeight.Quantized matrix: Quantize(matrix, values, rows, write); break;
            case GraphWeight.Plain { Type: OnnxType.Float }: write(0, MemoryMarshal.AsBytes(values.Span)); break;
            case GraphWeight.Plain { Type: OnnxType.Float16 }: RoundToHalf(weight.Name, values.Span, write); break;
            default: throw new ArgumentOutOfRangeException(nameof(weight), weight, null);
        }
    }

    private void RoundToHalf(string name, ReadOnlySpan<float> values, PartWriter write)
    {
        var largest = Largest(values);
        if (!(largest <= LargestHalf)) throw new AlpacaException($"{name} holds {largest:G4}, more than float16 can ({LargestHalf}); export the model with the precision fp32.");
        var bytes = Buffer(0, values.Length * 2).Span;
        TensorConversion.FromFloat32(DType.Float16, values, bytes);
        write(0, bytes);
    }

    /// <summary>Rows are independent of each other and go to all cores.</summary>
    private void Quantize(GraphWeight.Quantized weight, ReadOnlyMemory<float> values, int rows, PartWriter write)
    {
        if (!float.IsFinite(Largest(values.Span))) throw new AlpacaException($"{weight.Source} holds numbers that are not finite and cannot be quantised; check the model (alpaca inspect --digests).");
        var rowBytes = weight.Parts.Select(part => (int)(part.ByteLength / weight.Rows)).ToArray();
        var parts = rowBytes.Select((length, i) => Buffer(i, rows * length)).ToArray();
        var (columns, blocks) = (weight.Columns, weight.Format.Blocks(weight.Columns));
        var (isHalf, hasZeroPoints) = (weight.ScaleType == OnnxType.Float16, !weight.Format.Symmetric);

        // Decoding is bound by what is read: float32 scales of bfloat16's precision cost 4 bits nothing, and our own products keep half of them.
        var scaleType = isHalf ? DType.Float16 : weight.Format is { Bits: 4, Symmetric: true } ? DType.BFloat16 : DType.Float32;
        Parallel.For(
            0, rows,
            () => (Quantizer: new BlockQuantizer(weight.Format, scaleType), Scales: ArrayPool<float>.Shared.Rent(blocks)),
            (row, _, local) =>
            {
                var scales = local.Scales.AsSpan(0, blocks);
                local.Quantizer.Quantize(values.Span.Slice(row * columns, columns), Row(0, row), scales, hasZeroPoints ? Row(2, row) : []);
                TensorConversion.FromFloat32(isHalf ? DType.Float16 : DType.Float32, scales, Row(1, row));
                return local;
            },
            local => ArrayPool<float>.Shared.Return(local.Scales));
        for (var i = 0; i < parts.Length; i++) write(i, parts[i].Span);

        Span<byte> Row(int part, int row) => parts[part].Span.Slice(row * rowBytes[part], rowBytes[part]);
    }

    private static float Largest(ReadOnlySpan<float> values) => MathF.Abs(TensorPrimitives.MaxMagnitude(values));

    private Memory<byte> Buffer(int part, int length)
    {
        if (_buffers[part].Length < length) _buffers[part] = GC.AllocateUninitializedArray<byte>(length);
        return _buffers[part].AsMemory(0, length);
    }
}
