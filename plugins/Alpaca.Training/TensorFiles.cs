using System.Runtime.InteropServices;
using Alpaca.Abstractions;
using Alpaca.Formats;
using static TorchSharp.torch;

namespace Alpaca.Training;

/// <summary>Moves float32 tensors between memory and files, piece by piece.</summary>
internal static class TensorFiles
{
    private const int PieceElements = 1 << 22;

    /// <summary>Writes a safetensors file.</summary>
    /// <param name="path">The file.</param>
    /// <param name="tensors">Float32 tensors by name, on any device.</param>
    public static void Write(string path, IReadOnlyList<(string Name, Tensor Tensor)> tensors)
        => Write(path, [.. tensors.Select(t => (t.Name, (IReadOnlyList<StoredRows>)[], t.Tensor))]);

    /// <summary>Writes a safetensors file of tensors that may have rows above them which are not in memory.</summary>
    /// <param name="path">The file.</param>
    /// <param name="tensors">Float32 tensors by name, on any device, and what to write before them under the same name, as float32.</param>
    public static void Write(string path, IReadOnlyList<(string Name, IReadOnlyList<StoredRows> Above, Tensor Tensor)> tensors)
    {
        using var writer = new SafetensorsWriter(path, [.. tensors.Select(t => new TensorInfo(t.Name, DType.Float32, [t.Above.Sum(rows => rows.Count) + t.Tensor.shape[0], .. t.Tensor.shape[1..]]))]);
        using var noGrad = no_grad();
        foreach (var (name, above, tensor) in tensors)
        {
            var written = 0L;
            foreach (var rows in above)
            {
                ForEachPiece(rows.Source, rows.Tensor, rows.First, rows.Count, (start, piece) => writer.Write(name, (written + start) * sizeof(float), MemoryMarshal.AsBytes(piece.Span)));
                written += rows.ElementCount;
            }

            for (var start = 0L; start < tensor.numel(); start += PieceElements)
            {
                using var scope = NewDisposeScope();
                var piece = tensor.reshape(-1).narrow(0, start, Math.Min(PieceElements, tensor.numel() - start)).cpu();
                writer.Write(name, (written + start) * sizeof(float), piece.bytes);
            }
        }

        writer.Complete();
    }

    /// <summary>Copies a stored tensor into the first elements of a tensor in memory.</summary>
    /// <param name="source">The file.</param>
    /// <param name="info">What to read, of any floating-point type.</param>
    /// <param name="destination">Contiguous, at least as many elements; what does not fit its type is rounded.</param>
    public static void Read(ITensorSource source, TensorInfo info, Tensor destination) => ReadRows(source, info, 0, info.Shape[0], destination);

    /// <summary>Copies some rows of a stored tensor into the first ones of a tensor in memory.</summary>
    /// <param name="source">The file.</param>
    /// <param name="info">What to read from, of any floating-point type.</param>
    /// <param name="firstRow">The first row to read.</param>
    /// <param name="rows">How many.</param>
    /// <param name="destination">As for <see cref="Read"/>.</param>
    public static void ReadRows(ITensorSource source, TensorInfo info, long firstRow, long rows, Tensor destination)
    {
        using var noGrad = no_grad();
        ForEachPiece(source, info, firstRow, rows, (start, piece) =>
        {
            using var scope = NewDisposeScope();
            destination.view(-1).narrow(0, start, piece.Length).copy_(tensor(piece, [piece.Length]));
        });
    }

    /// <summary>Finds a tensor of one shape, or says what is wrong.</summary>
    /// <exception cref="AlpacaException">The tensor is missing or has another shape.</exception>
    public static TensorInfo Require(ITensorSource source, string file, string name, long[] shape)
    {
        var info = source.Find(name) ?? throw new AlpacaException($"{file} has no tensor {name}.");
        if (!info.Shape.SequenceEqual(shape))
            throw new AlpacaException($"{name} in {file} is [{string.Join(", ", info.Shape)}] where [{string.Join(", ", shape)}] is needed.");
        return info;
    }

    private static void ForEachPiece(ITensorSource source, TensorInfo info, long firstRow, long rows, Action<long, Memory<float>> use)
    {
        var rowLength = info.ElementCount / info.Shape[0];
        var (offset, count) = (firstRow * rowLength, rows * rowLength);
        var buffer = new float[(int)Math.Min(PieceElements, count)];
        for (var start = 0L; start < count; start += PieceElements)
        {
            var piece = buffer.AsMemory(0, (int)Math.Min(PieceElements, count - start));
            source.ReadAsFloat32(info, offset + start, piece.Span);
            use(start, piece);
        }
    }
}

/// <summary>Some rows of a stored tensor.</summary>
/// <param name="Source">The file.</param>
/// <param name="Tensor">The tensor, of any floating-point type.</param>
/// <param name="First">The first row.</param>
/// <param name="Count">How many.</param>
internal sealed record StoredRows(ITensorSource Source, TensorInfo Tensor, long First, long Count)
{
    /// <summary>The number of elements.</summary>
    public long ElementCount => Tensor.ElementCount / Tensor.Shape[0] * Count;
}
