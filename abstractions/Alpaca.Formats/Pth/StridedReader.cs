using System.Buffers;
using System.Runtime.InteropServices;

namespace Alpaca.Formats;

/// <summary>Reads tensors whose elements do not lie one after the other: transposed, sliced, expanded.</summary>
/// <remarks>
/// The part asked for is cut into boxes (whole ranges of indices in every dimension). A box whose elements lie close together is read in one piece; of others the
/// dimension with the closest elements is read run by run, in pieces of bounded length, so that an element costs at most one read of a page. Nothing is mapped: a file
/// that is cut short meanwhile is an error and not the end of the process.
/// </remarks>
internal readonly ref struct StridedReader
{
    private const int WindowBytes = 64 << 10;
    private const int PageBytes = 4 << 10;

    private readonly ReadOnlyFile _file;
    private readonly long _storageOffset;
    private readonly int _size;
    private readonly ReadOnlySpan<long> _shape;
    private readonly ReadOnlySpan<long> _strides;
    private readonly Span<byte> _window;

    private StridedReader(ReadOnlyFile file, long storageOffset, PickleTensor view, Span<byte> window)
    {
        _file = file;
        _storageOffset = storageOffset;
        _size = view.Storage.DType.Size();
        _shape = view.Shape;
        _strides = view.Strides;
        _window = window;
    }

    /// <summary>Copies a part of the tensor's contiguous data.</summary>
    /// <param name="file">The file.</param>
    /// <param name="storageOffset">Where the storage's bytes begin.</param>
    /// <param name="view">The tensor, checked against its storage; not a scalar.</param>
    /// <param name="byteOffset">Where the part begins, a multiple of the element size.</param>
    /// <param name="destination">Filled completely; a multiple of the element size.</param>
    public static void Read(ReadOnlyFile file, long storageOffset, PickleTensor view, long byteOffset, Span<byte> destination)
    {
        var size = view.Storage.DType.Size();
        if (byteOffset % size != 0 || destination.Length % size != 0)
        {
            throw new ArgumentException("The part does not begin and end between elements.", nameof(byteOffset));
        }

        if (destination.IsEmpty)
        {
            return;
        }

        var window = ArrayPool<byte>.Shared.Rent((int)Math.Min(WindowBytes, view.Storage.ElementCount * size));
        try
        {
            new StridedReader(file, storageOffset, view, window).ReadRange(0, view.Offset, byteOffset / size, destination);
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(window);
        }
    }

    // The elements from `first` on of what the dimensions from `dimension` on span at a position of the storage.
    private void ReadRange(int dimension, long position, long first, Span<byte> destination)
    {
        if (dimension == _shape.Length)
        {
            _file.ReadExactly(_storageOffset + (position * _size), destination);
            return;
        }

        long inner = 1;
        foreach (var length in _shape[(dimension + 1)..])
        {
            inner *= length;
        }

        var (index, rest) = Math.DivRem(first, inner);
        var count = destination.Length / _size;
        if (rest != 0 || count < inner)
        {
            var part = (int)Math.Min(count, inner - rest);
            ReadRange(dimension + 1, position + (index * _strides[dimension]), rest, destination[..(part * _size)]);
            destination = destination[(part * _size)..];
            count -= part;
            index++;
        }

        if (count == 0)
        {
            return;
        }

        var whole = count < inner ? 0 : count / (int)inner;
        if (whole > 0)
        {
            var length = whole * (int)inner * _size;
            ReadBox(dimension, position + (index * _strides[dimension]), whole, destination[..length]);
            destination = destination[length..];
        }

        if (!destination.IsEmpty)
        {
            ReadRange(dimension + 1, position + ((index + whole) * _strides[dimension]), 0, destination);
        }
    }

    // `count` indices of a dimension with all that the ones after it span.
    private void ReadBox(int dimension, long position, int count, Span<byte> destination)
    {
        var rank = _shape.Length - dimension;
        var strides = _strides[dimension..];
        Span<int> lengths = stackalloc int[rank], steps = stackalloc int[rank], indices = stackalloc int[rank];
        indices.Clear();
        long span = 1;
        var step = 1;
        for (var d = rank - 1; d >= 0; d--)
        {
            lengths[d] = d == 0 ? count : (int)_shape[dimension + d];
            steps[d] = step;
            step *= lengths[d];
            span += (lengths[d] - 1) * strides[d];
        }

        var isNear = span <= _window.Length / _size;
        if (isNear)
        {
            _file.ReadExactly(_storageOffset + (position * _size), _window[..(int)(span * _size)]);
        }

        var run = ClosestDimension(lengths, strides);
        long from = 0;
        var to = 0;
        while (true)
        {
            if (isNear)
            {
                Scatter(_window[(int)(from * _size)..], (int)strides[run], destination[(to * _size)..], steps[run], lengths[run]);
            }
            else
            {
                ReadRun(position + from, strides[run], destination[(to * _size)..], steps[run], lengths[run]);
            }

            // The next index in every other dimension, the last one first.
            var d = rank - 1;
            for (; d >= 0; d--)
            {
                if (d == run)
                {
                    continue;
                }

                from += strides[d];
                to += steps[d];
                if (++indices[d] < lengths[d])
                {
                    break;
                }

                from -= lengths[d] * strides[d];
                to -= lengths[d] * steps[d];
                indices[d] = 0;
            }

            if (d < 0)
            {
                return;
            }
        }
    }

    // The dimension of more than one index whose elements lie closest, not counting those that show one element over and over.
    private static int ClosestDimension(ReadOnlySpan<int> lengths, ReadOnlySpan<long> strides)
    {
        var closest = lengths.Length - 1;
        for (var d = lengths.Length - 1; d >= 0; d--)
        {
            if (lengths[d] > 1 && strides[d] > 0 && (lengths[closest] == 1 || strides[closest] == 0 || strides[d] < strides[closest]))
            {
                closest = d;
            }
        }

        return closest;
    }

    private void ReadRun(long position, long stride, Span<byte> destination, int step, int count)
    {
        if (step == 1 && stride == 1)
        {
            _file.ReadExactly(_storageOffset + (position * _size), destination[..(count * _size)]);
            return;
        }

        // Of a dimension of one index the stride may be any number.
        var most = count == 1 || stride == 0 || stride > PageBytes / _size ? 1 : ((_window.Length / _size) - 1) / (int)stride + 1;
        for (var done = 0; done < count;)
        {
            var now = Math.Min(most, count - done);
            var bytes = _window[..(int)((((now - 1) * stride) + 1) * _size)];
            _file.ReadExactly(_storageOffset + ((position + (done * stride)) * _size), bytes);
            Scatter(bytes, now == 1 ? 1 : (int)stride, destination[(done * step * _size)..], step, now);
            done += now;
        }
    }

    private void Scatter(ReadOnlySpan<byte> source, int stride, Span<byte> destination, int step, int count)
    {
        switch (_size)
        {
            case 1: Scatter<byte>(source, stride, destination, step, count); break;
            case 2: Scatter<ushort>(source, stride, destination, step, count); break;
            case 4: Scatter<uint>(source, stride, destination, step, count); break;
            default: Scatter<ulong>(source, stride, destination, step, count); break;
        }
    }

    private static void Scatter<T>(ReadOnlySpan<byte> source, int stride, Span<byte> destination, int step, int count) where T : unmanaged
    {
        var from = MemoryMarshal.Cast<byte, T>(source);
        var to = MemoryMarshal.Cast<byte, T>(destination);
        for (var i = 0; i < count; i++)
        {
            to[i * step] = from[i * stride];
        }
    }
}
