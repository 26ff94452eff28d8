using System.Runtime.InteropServices;
using Alpaca.Formats;
using FsCheck;
using FsCheck.Fluent;
using FsCheck.Xunit;

namespace Alpaca.Inference.Onnx.Tests;

public sealed class MatrixTransposeTests
{
    [Property(MaxTest = 60)]
    public Property Fill_AnyShapeInBlocks_ExchangesRowsAndColumns() => Prop.ForAll(
        Gen.Choose(1, 70).Two().ToArbitrary(), Gen.Choose(1, 70).ToArbitrary(),
        (shape, block) =>
        {
            var (rows, columns) = shape;
            var source = new Matrix(rows, columns);
            var transpose = new MatrixTranspose(source, source.Tensors[0]);
            var result = new List<float>();
            for (var first = 0; first < columns; first += block)
            {
                var count = Math.Min(block, columns - first);
                var buffer = new float[count * rows];
                transpose.Fill(first, count, rows, buffer);
                result.AddRange(buffer);
            }

            return result.SequenceEqual(Enumerable.Range(0, rows * columns).Select(i => (float)((i % rows * columns) + (i / rows))));
        });

    /// <summary>A float32 matrix that holds 0, 1, 2, ...</summary>
    private sealed class Matrix(long rows, long columns) : ITensorSource
    {
        public IReadOnlyList<TensorInfo> Tensors { get; } = [new TensorInfo("w", DType.Float32, [rows, columns])];

        public TensorInfo? Find(string name) => Tensors[0];

        public void Read(TensorInfo tensor, long byteOffset, Span<byte> destination)
        {
            var values = MemoryMarshal.Cast<byte, float>(destination);
            for (var i = 0; i < values.Length; i++) values[i] = (byteOffset / sizeof(float)) + i;
        }

        public void Dispose() { }
    }
}
