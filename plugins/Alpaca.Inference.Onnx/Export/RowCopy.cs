using Alpaca.Formats;

namespace Alpaca.Inference.Onnx;

/// <summary>Reads rows of a tensor, converted to float32.</summary>
internal sealed class RowCopy(ITensorSource source, TensorInfo tensor)
{
    private const int PieceElements = 1 << 18;

    /// <summary>Fills rows of the last dimension.</summary>
    /// <param name="firstRow">The first of them.</param>
    /// <param name="rows">How many.</param>
    /// <param name="columns">Their length.</param>
    /// <param name="destination">Filled from the start.</param>
    public void Fill(long firstRow, int rows, int columns, float[] destination)
    {
        var elements = rows * columns;
        Parallel.For(0, (elements + PieceElements - 1) / PieceElements, piece =>
        {
            var first = piece * PieceElements;
            source.ReadAsFloat32(tensor, (firstRow * columns) + first, destination.AsSpan(first, Math.Min(PieceElements, elements - first)));
        });
    }
}
