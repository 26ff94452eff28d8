using System.Runtime.InteropServices;
using System.Runtime.Intrinsics.X86;

namespace Alpaca.Inference.Onnx;

/// <summary>One y = x Wᵀ, in parts that may run side by side: first all of <see cref="RoundPart"/>, then all of <see cref="MultiplyPart"/>.</summary>
/// <remarks>Plain data, so that native code can hand a pointer to it from thread to thread.</remarks>
internal readonly unsafe struct Int4Multiplication
{
    // Rows of activations that are rounded in one part.
    private const int RowsPerPart = 16;

    // Parts for each thread: enough that none waits long for another that was interrupted.
    private const int PartsPerThread = 4;

    private readonly nint _matrix;
    private readonly float* _x;
    private readonly float* _y;
    private readonly QuantizedRows _rounded;

    /// <param name="matrix">W, a handle to an <see cref="Int4Matrix"/>.</param>
    /// <param name="x">[rows, K]</param>
    /// <param name="rows">Rows, at least 1.</param>
    /// <param name="y">[rows, N]</param>
    /// <param name="threads">Threads that take part.</param>
    /// <param name="memory">At least <see cref="MemoryBytes"/>.</param>
    public Int4Multiplication(GCHandle matrix, float* x, int rows, float* y, int threads, byte* memory)
    {
        var w = (Int4Matrix)matrix.Target!;
        _matrix = GCHandle.ToIntPtr(matrix);
        _x = x;
        _y = y;
        _rounded = new QuantizedRows(memory, rows, w.Blocks, w.BlockSize);
        RoundParts = (rows + RowsPerPart - 1) / RowsPerPart;
        MultiplyParts = Math.Min(w.Panels, threads * PartsPerThread);
    }

    /// <summary>Whether this processor has the instructions.</summary>
    public static bool IsSupported => Avx2.IsSupported && Fma.IsSupported;

    /// <summary>Parts that round activations.</summary>
    public int RoundParts { get; }

    /// <summary>Parts that multiply.</summary>
    public int MultiplyParts { get; }

    private Int4Matrix Matrix => (Int4Matrix)GCHandle.FromIntPtr(_matrix).Target!;

    /// <summary>Bytes that a product needs beside x and y.</summary>
    public static int MemoryBytes(Int4Matrix matrix, int rows) => checked((int)QuantizedRows.Bytes(rows, matrix.Blocks, matrix.BlockSize));

    /// <summary>Rounds some rows.</summary>
    public void RoundPart(int part)
    {
        var columns = Matrix.Columns;
        for (var row = part * RowsPerPart; row < Math.Min(_rounded.Rows, (part + 1) * RowsPerPart); row++) _rounded.Set(row, _x + ((long)row * columns), columns);
    }

    /// <summary>Computes some elements of each row of y.</summary>
    public void MultiplyPart(int part)
    {
        var w = Matrix;
        var (from, to) = ((int)((long)w.Panels * part / MultiplyParts), (int)((long)w.Panels * (part + 1) / MultiplyParts));
        if (AvxVnni.IsSupported) Multiply<VnniDotProduct>(w, from, to);
        else Multiply<Avx2DotProduct>(w, from, to);
    }

    private void Multiply<TDot>(Int4Matrix w, int from, int to)
        where TDot : struct, IDotProduct
    {
        if (w.HasShortScales) Int4Kernel<TDot, BFloat16Scales>.Multiply(w, from, to, _rounded, _y);
        else Int4Kernel<TDot, Float32Scales>.Multiply(w, from, to, _rounded, _y);
    }
}
