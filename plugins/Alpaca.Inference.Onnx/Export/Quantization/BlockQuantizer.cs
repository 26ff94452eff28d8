using System.Numerics;
using System.Runtime.InteropServices;
using Alpaca.Formats;

namespace Alpaca.Inference.Onnx;

/// <summary>Rounds rows of a matrix to a <see cref="BlockFormat"/>, so that the squared error of each block is small.</summary>
/// <remarks>
/// 8 bits follow ONNX Runtime's own quantizer: the element of largest magnitude decides the scale. 4 bits have 16 steps, and there it pays to try scales around that one, as llama.cpp does: for each,
/// the elements are rounded, the best scale for those integers follows by least squares, and the one with the least error is kept. Scales are tried side by side, one in each lane of a vector, so the result does
/// not depend on how wide the machine's vectors are.
/// </remarks>
internal sealed class BlockQuantizer
{
    // A scale that is tried is so many tenths of a step finer or coarser than the one that just reaches the largest element. A multiple of any vector's lanes.
    private const int Scales = 16;
    private const int FirstTenths = -8;

    // And for each of them, the nearest zero point and its neighbours.
    private const int ZeroPoints = 3;

    private readonly BlockFormat _format;
    private readonly DType _scaleType;
    private readonly float[] _block;
    private readonly int[] _steps;
    private readonly float[] _triedInverses = new float[Scales * ZeroPoints];
    private readonly float[] _triedZeroPoints = new float[Scales * ZeroPoints];
    private readonly float[] _scales = new float[Scales * ZeroPoints];
    private readonly float[] _explained = new float[Scales * ZeroPoints];

    /// <param name="format">The format.</param>
    /// <param name="scaleType">What scales are rounded to, float32, float16 or bfloat16; elements are rounded with what that gives.</param>
    public BlockQuantizer(BlockFormat format, DType scaleType)
    {
        _format = format;
        _scaleType = scaleType;
        _block = new float[format.BlockSize];
        _steps = new int[format.BlockSize];
    }

    /// <summary>Quantizes a row.</summary>
    /// <param name="row">K finite elements.</param>
    /// <param name="data">Gets the packed elements, <see cref="BlockFormat.RowBytes"/>.</param>
    /// <param name="scales">Gets a scale for each block.</param>
    /// <param name="zeroPoints">Gets the packed zero points, <see cref="BlockFormat.ZeroPointBytes"/>; empty when symmetric.</param>
    public void Quantize(ReadOnlySpan<float> row, Span<byte> data, Span<float> scales, Span<byte> zeroPoints)
    {
        // What is left over of a last half byte is never read; 8 is what other writers put there.
        if (!_format.Symmetric && _format.Bits == 4) zeroPoints[^1] = 0x88;
        for (var block = 0; block < scales.Length; block++)
        {
            var elements = row.Slice(block * _format.BlockSize, Math.Min(_format.BlockSize, row.Length - (block * _format.BlockSize)));
            elements.CopyTo(_block);
            _block.AsSpan(elements.Length).Clear(); // rounds to the zero point
            var (scale, zeroPoint) = _format.Symmetric ? Symmetric() : Asymmetric();
            scales[block] = scale = _scaleType switch
            {
                DType.Float16 => (float)(Half)scale,
                DType.BFloat16 => ToBFloat16(scale),
                _ => scale,
            };
            Round(scale, zeroPoint);
            Pack(data.Slice(block * _format.BlockBytes, _format.BlockBytes));
            if (!_format.Symmetric) PackZeroPoint(zeroPoints, block, zeroPoint);
        }
    }

    private static float ToBFloat16(float scale)
    {
        Span<byte> stored = stackalloc byte[sizeof(ushort)];
        TensorConversion.FromFloat32(DType.BFloat16, [scale], stored);
        Span<float> read = stackalloc float[1];
        TensorConversion.ToFloat32(DType.BFloat16, stored, read);
        return read[0];
    }

    /// <summary>The scale at which the signed element of largest magnitude becomes q = 0: the side that has one step more.</summary>
    private (float Scale, int ZeroPoint) Symmetric()
    {
        var middle = _format.Middle;
        var (least, most) = Range();
        var extreme = most > -least ? most : least;
        if (extreme == 0) return (0, middle);
        var usual = (-extreme / middle, middle);
        if (_format.Bits == 8) return usual;
        for (var i = 0; i < Scales; i++) Try(i, -extreme / (middle + Tenths(i)), middle);
        return Best(usual, Scales);
    }

    /// <summary>The scale at which smallest and largest element, and 0 between them, just fit.</summary>
    private (float Scale, int ZeroPoint) Asymmetric()
    {
        var (least, most) = Range();
        if (least == most) return (0, 0);
        var usual = Fit(_format.Largest);
        if (_format.Bits == 8) return usual;
        for (var i = 0; i < Scales; i++)
        {
            var (scale, zeroPoint) = Fit(_format.Largest + Tenths(i));
            for (var j = 0; j < ZeroPoints; j++) Try((i * ZeroPoints) + j, scale, Math.Clamp(zeroPoint - 1 + j, 0, _format.Largest));
        }

        return Best(usual, Scales * ZeroPoints);

        (float Scale, int ZeroPoint) Fit(float steps)
        {
            var scale = (most / steps) - (least / steps); // the difference itself may be infinite
            return (scale, (int)Math.Clamp(MathF.Round(-least / scale, MidpointRounding.AwayFromZero), 0, _format.Largest));
        }
    }

    private static float Tenths(int index) => 0.1f * (FirstTenths + index);

    private void Try(int index, float scale, int zeroPoint) => (_triedInverses[index], _triedZeroPoints[index]) = (1 / scale, zeroPoint);

    /// <summary>The smallest and the largest element, and 0 between them.</summary>
    private (float Least, float Most) Range()
    {
        Vector<float> least = default, most = default;
        foreach (var values in MemoryMarshal.Cast<float, Vector<float>>(_block.AsSpan())) (least, most) = (Vector.Min(least, values), Vector.Max(most, values));
        var range = (Least: 0f, Most: 0f);
        for (var i = 0; i < Vector<float>.Count; i++) range = (MathF.Min(range.Least, least[i]), MathF.Max(range.Most, most[i]));
        return range;
    }

    /// <summary>Rounds by each scale that is tried, with l steps from the zero point, and takes the best: (Σ w l)² / Σ l² is the part of the block's squares that l with its best scale, Σ w l / Σ l², explains.</summary>
    /// <returns>The scale and its zero point; what is usual for a block so small or large that nothing can be computed.</returns>
    private (float Scale, int ZeroPoint) Best((float Scale, int ZeroPoint) usual, int tried)
    {
        for (var first = 0; first < tried; first += Vector<float>.Count)
        {
            var inverse = new Vector<float>(_triedInverses, first);
            var least = -new Vector<float>(_triedZeroPoints, first);
            var most = least + new Vector<float>(_format.Largest);
            Vector<float> products = default, squares = default;
            foreach (var value in _block)
            {
                var values = new Vector<float>(value);
                var steps = Vector.Min(Vector.Max(Vector.Round(values * inverse), least), most);
                products += values * steps;
                squares += steps * steps;
            }

            var scales = products / squares;
            scales.CopyTo(_scales, first);
            (products * scales).CopyTo(_explained, first);
        }

        var (best, explainedByBest) = (usual, 0f);
        for (var i = 0; i < tried; i++)
        {
            if (!float.IsFinite(_explained[i]) || _explained[i] <= explainedByBest) continue;
            (best, explainedByBest) = ((_scales[i], (int)_triedZeroPoints[i]), _explained[i]);
        }

        return best;
    }

    /// <summary>The nearest q at the scale that is stored.</summary>
    private void Round(float scale, int zeroPoint)
    {
        var inverse = scale == 0 ? 0 : 1 / scale;
        if (!float.IsFinite(inverse)) inverse = 0;
        Vector<float> least = new(-zeroPoint), most = new(_format.Largest - zeroPoint), factor = new(inverse);
        var zero = new Vector<int>(zeroPoint);
        var steps = MemoryMarshal.Cast<int, Vector<int>>(_steps.AsSpan());
        var values = MemoryMarshal.Cast<float, Vector<float>>(_block.AsSpan());
        for (var i = 0; i < steps.Length; i++) steps[i] = Vector.ConvertToInt32(Vector.Min(Vector.Max(Vector.Round(values[i] * factor), least), most)) + zero;
    }

    private void Pack(Span<byte> data)
    {
        if (_format.Bits == 8)
        {
            for (var i = 0; i < data.Length; i++) data[i] = (byte)_steps[i];
            return;
        }

        // Two neighbours at once: the second comes down beside the first.
        var pairs = MemoryMarshal.Cast<int, ulong>(_steps.AsSpan());
        for (var i = 0; i < data.Length; i++) data[i] = (byte)(pairs[i] | (pairs[i] >> 28));
    }

    private void PackZeroPoint(Span<byte> zeroPoints, int block, int zeroPoint)
    {
        if (_format.Bits == 8) zeroPoints[block] = (byte)zeroPoint;
        else if ((block & 1) == 0) zeroPoints[block / 2] = (byte)((zeroPoints[block / 2] & 0xF0) | zeroPoint);
        else zeroPoints[block / 2] = (byte)((zeroPoints[block / 2] & 0x0F) | (zeroPoint << 4));
    }
}
