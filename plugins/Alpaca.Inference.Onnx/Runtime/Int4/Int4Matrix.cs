using System.Runtime.InteropServices;
using Alpaca.Formats;

namespace Alpaca.Inference.Onnx;

/// <summary>A matrix W [N, K] of 4 bits, laid out for <see cref="Int4Kernel{TDot, TScales}"/>: elements are <c>(w - 8) · scale</c>, w from 0 to 15, a scale for each block of a row.</summary>
/// <remarks>
/// Panels of 32 rows lie one after the other, the last one filled up with zeros. A panel has, for each block, pieces of 32 columns and then 32 scales, so memory is read from front to back. A piece has 4 times 8 columns, each of 4 groups of
/// 8 rows, each with the 4 bytes of a row: one vector is 8 rows, and its low halves are the even columns, its high halves the odd ones.
/// </remarks>
internal sealed unsafe class Int4Matrix : IDisposable
{
    /// <summary>Rows of a panel.</summary>
    public const int PanelRows = 32;

    /// <summary>Columns of a piece.</summary>
    public const int PieceColumns = 32;

    /// <summary>Bytes of a piece.</summary>
    public const int PieceBytes = PanelRows * PieceColumns / 2;

    private readonly NativeBuffer _memory;

    private Int4Matrix(Int4Product product, bool hasShortScales)
    {
        (Rows, Columns, HasShortScales) = (product.Rows, product.Columns, hasShortScales);
        (Blocks, Pieces) = (product.Blocks.Blocks(product.Columns), product.Blocks.BlockSize / PieceColumns);
        _memory = new NativeBuffer(Panels * PanelBytes);
    }

    /// <summary>N.</summary>
    public int Rows { get; }

    /// <summary>K.</summary>
    public int Columns { get; }

    /// <summary>Blocks of a row, the last one perhaps filled up.</summary>
    public int Blocks { get; }

    /// <summary>Pieces of a block.</summary>
    public int Pieces { get; }

    /// <summary>Elements of a block.</summary>
    public int BlockSize => Pieces * PieceColumns;

    /// <summary>Whether scales are held as <see cref="BFloat16Scales"/> and not as <see cref="Float32Scales"/>.</summary>
    public bool HasShortScales { get; }

    /// <summary>Panels.</summary>
    public int Panels => (Rows + PanelRows - 1) / PanelRows;

    /// <summary>Bytes of a block in a panel.</summary>
    public int BlockBytes => (Pieces * PieceBytes) + (PanelRows * (HasShortScales ? BFloat16Scales.Bytes : Float32Scales.Bytes));

    private long PanelBytes => (long)Blocks * BlockBytes;

    /// <summary>Where a panel begins.</summary>
    public byte* Panel(int panel) => (byte*)_memory.Address + (panel * PanelBytes);

    /// <summary>Reads a matrix from a model and lays it out.</summary>
    /// <param name="weights">The model's initializers.</param>
    /// <param name="product">The product whose matrix it is.</param>
    /// <param name="threads">Threads that take part.</param>
    /// <param name="cancellationToken">Ends it early.</param>
    /// <exception cref="OutOfMemoryException">There is not enough memory.</exception>
    public static Int4Matrix Read(OnnxTensorSource weights, Int4Product product, int threads, CancellationToken cancellationToken)
    {
        var scales = new float[(long)product.Rows * product.Blocks.Blocks(product.Columns)];
        weights.Read(weights.Find(product.Scales)!, 0, MemoryMarshal.AsBytes(scales.AsSpan()));
        var matrix = new Int4Matrix(product, hasShortScales: AreShort(scales));
        try
        {
            var data = weights.Find(product.Data)!;
            Parallel.For(0, matrix.Panels, new ParallelOptions { MaxDegreeOfParallelism = threads, CancellationToken = cancellationToken }, panel => matrix.ReadPanel(weights, data, scales, panel));
            return matrix;
        }
        catch (AggregateException e)
        {
            matrix.Dispose();
            System.Runtime.ExceptionServices.ExceptionDispatchInfo.Throw(e.InnerExceptions[0]);
            throw;
        }
        catch
        {
            matrix.Dispose();
            throw;
        }
    }

    /// <inheritdoc />
    public void Dispose() => _memory.Dispose();

    private static bool AreShort(ReadOnlySpan<float> scales)
    {
        uint lower = 0;
        foreach (var bits in MemoryMarshal.Cast<float, uint>(scales)) lower |= bits & 0xFFFF;
        return lower == 0;
    }

    private void ReadPanel(OnnxTensorSource weights, TensorInfo data, float[] scales, int panel)
    {
        var (first, rows, rowBytes) = (panel * PanelRows, Math.Min(PanelRows, Rows - (panel * PanelRows)), Blocks * BlockSize / 2);
        var elements = new byte[rows * rowBytes];
        weights.Read(data, (long)first * rowBytes, elements);

        var to = Panel(panel);
        if (rows < PanelRows) new Span<byte>(to, checked((int)PanelBytes)).Clear();
        for (var row = 0; row < rows; row++)
        {
            var from = MemoryMarshal.Cast<byte, int>(elements.AsSpan(row * rowBytes, rowBytes)); // 8 columns each
            for (var block = 0; block < Blocks; block++)
            {
                var at = to + ((long)block * BlockBytes);
                for (var i = 0; i < Pieces * 4; i++) ((int*)at)[(i * PanelRows) + row] = from[(block * Pieces * 4) + i];
                at += Pieces * PieceBytes;
                var scale = scales[((long)(first + row) * Blocks) + block];
                if (HasShortScales) ((ushort*)at)[row] = (ushort)(BitConverter.SingleToUInt32Bits(scale) >> 16);
                else ((float*)at)[row] = scale;
            }
        }
    }
}
