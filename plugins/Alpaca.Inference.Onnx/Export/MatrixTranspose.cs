using System.Buffers;
using Alpaca.Formats;

namespace Alpaca.Inference.Onnx;

/// <summary>Reads a matrix [rows, columns] with rows and columns exchanged, converted to float32.</summary>
internal sealed class MatrixTranspose(ITensorSource source, TensorInfo matrix)
{
    // A strip of 32 source rows turns into runs of 32 values, two cache lines, in the destination.
    private const int StripRows = 32;

    // Rows of a strip are this much further apart than they are long, so that a column does not fall into a single cache set.
    private const int Padding = 16;

    /// <summary>Fills rows of the transposed matrix.</summary>
    /// <param name="firstRow">The first of them: a column of the source.</param>
    /// <param name="rows">How many.</param>
    /// <param name="columns">Their length: the rows of the source.</param>
    /// <param name="destination">Filled row by row from the start.</param>
    public void Fill(long firstRow, int rows, int columns, float[] destination)
    {
        var sourceColumns = matrix.Shape[1];
        var stride = rows + Padding;
        var strips = (columns + StripRows - 1) / StripRows;
        Parallel.For(
            0, strips,
            () => ArrayPool<float>.Shared.Rent(StripRows * stride),
            (index, _, strip) =>
            {
                var first = index * StripRows;
                var count = Math.Min(StripRows, columns - first);
                for (var r = 0; r < count; r++) source.ReadAsFloat32(matrix, ((first + r) * sourceColumns) + firstRow, strip.AsSpan(r * stride, rows));
                for (var c = 0; c < rows; c++)
                {
                    var run = destination.AsSpan((c * columns) + first, count);
                    for (var r = 0; r < run.Length; r++) run[r] = strip[(r * stride) + c];
                }

                return strip;
            },
            strip => ArrayPool<float>.Shared.Return(strip));
    }
}
