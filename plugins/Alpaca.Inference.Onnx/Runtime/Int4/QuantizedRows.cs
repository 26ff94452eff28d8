using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Alpaca.Inference.Onnx;

/// <summary>Rows of activations [rows, K], rounded to 8 bits in the blocks of the matrix that they are multiplied by: x ≈ q · scale, q from -127 to 127.</summary>
/// <remarks>
/// The memory is the caller's. Of each 8 neighbours, those at even places come first: so they meet the low and the high halves of <see cref="Int4Matrix"/>'s bytes. Weights are stored with 8 added, and <see cref="Offsets"/>
/// take that away again: Σ (w - 8) q = Σ w q - 8 Σ q.
/// </remarks>
internal readonly unsafe struct QuantizedRows
{
    private readonly int _blockSize;

    /// <summary>Lays rows over memory.</summary>
    /// <param name="memory">At least <see cref="Bytes"/>.</param>
    /// <param name="rows">Rows.</param>
    /// <param name="blocks">Blocks of a row.</param>
    /// <param name="blockSize">Elements of a block, a multiple of 32.</param>
    public QuantizedRows(byte* memory, int rows, int blocks, int blockSize)
    {
        (Rows, Blocks, _blockSize) = (rows, blocks, blockSize);
        Scales = (float*)memory;
        Offsets = (int*)(Scales + ((long)rows * blocks));
        Values = (sbyte*)(Offsets + ((long)rows * blocks));
    }

    /// <summary>Rows.</summary>
    public int Rows { get; }

    /// <summary>Blocks of a row.</summary>
    public int Blocks { get; }

    /// <summary>Elements of a row, those that fill its last block included.</summary>
    public int Stride => Blocks * _blockSize;

    /// <summary>q, [rows, stride].</summary>
    public sbyte* Values { get; }

    /// <summary>[rows, blocks]</summary>
    public float* Scales { get; }

    /// <summary>-8 Σ q of each block, [rows, blocks].</summary>
    public int* Offsets { get; }

    /// <summary>Bytes that so many rows take.</summary>
    public static long Bytes(int rows, int blocks, int blockSize) => (long)rows * blocks * (blockSize + sizeof(float) + sizeof(int));

    /// <summary>Rounds a row.</summary>
    /// <param name="row">Its number.</param>
    /// <param name="x">[K]</param>
    /// <param name="columns">K.</param>
    [SkipLocalsInit]
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public void Set(int row, float* x, int columns)
    {
        var filled = stackalloc float[_blockSize];
        for (var block = 0; block < Blocks; block++)
        {
            var first = block * _blockSize;
            var from = x + first;
            if (columns - first < _blockSize)
            {
                new Span<float>(from, columns - first).CopyTo(new Span<float>(filled, _blockSize));
                new Span<float>(filled + (columns - first), _blockSize - (columns - first)).Clear();
                from = filled;
            }

            SetBlock(((long)row * Blocks) + block, from);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private void SetBlock(long block, float* x)
    {
        // Without their signs, numbers are in the order of their bits, and NaN is above all of them.
        var bits = Vector256<int>.Zero;
        for (var i = 0; i < _blockSize; i += 8) bits = Vector256.Max(bits, Vector256.Abs(Vector256.Load(x + i)).AsInt32());
        var four = Vector128.Max(bits.GetLower(), bits.GetUpper());
        four = Vector128.Max(four, Sse2.Shuffle(four, 0b01_00_11_10));
        four = Vector128.Max(four, Sse2.Shuffle(four, 0b10_11_00_01));
        var most = BitConverter.Int32BitsToSingle(four.ToScalar());
        var inverse = Vector256.Create(most == 0 ? 0 : 127 / most);

        var evenFirst = Vector256.Create(0, 2, 4, 6, 1, 3, 5, 7);
        var lowBytes = Vector256.Create((byte)0, 4, 8, 12, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 0, 4, 8, 12, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255);
        var values = Values + (block * _blockSize);
        var sums = Vector256<int>.Zero;
        for (var i = 0; i < _blockSize; i += 8)
        {
            var rounded = Avx.ConvertToVector256Int32(Vector256.Load(x + i) * inverse); // to the nearest, and to even between two
            sums += rounded;
            var bytes = Avx2.Shuffle(Avx2.PermuteVar8x32(rounded, evenFirst).AsByte(), lowBytes).AsInt32();
            *(int*)(values + i) = bytes.GetLower().ToScalar();
            *(int*)(values + i + 4) = bytes.GetUpper().ToScalar();
        }

        Scales[block] = most / 127;
        Offsets[block] = -8 * Vector256.Sum(sums);
    }
}
