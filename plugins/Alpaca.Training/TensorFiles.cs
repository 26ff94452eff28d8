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
    {
        using var writer = new SafetensorsWriter(path, [.. tensors.Select(t => new TensorInfo(t.Name, DType.Float32, t.Tensor.shape))]);
        using var noGrad = no_grad();
        foreach (var (name, tensor) in tensors)
        {
            for (var start = 0L; start < tensor.numel(); start += PieceElements)
            {
                using var scope = NewDisposeScope();
                var piece = tensor.reshape(-1).narrow(0, start, Math.Min(PieceElements, tensor.numel() - start)).cpu();
                writer.Write(name, start * sizeof(float), piece.bytes);
            }
        }

        writer.Complete();
    }

    /// <summary>Copies a stored tensor into the first elements of a tensor in memory.</summary>
    /// <param name="source">The file.</param>
    /// <param name="info">What to read, of any floating-point type.</param>
    /// <param name="destination">Float32, contiguous, at least as many elements.</param>
    public static void Read(ITensorSource source, TensorInfo info, Tensor destination)
    {
        using var noGrad = no_grad();
        var buffer = new float[(int)Math.Min(PieceElements, info.ElementCount)];
        for (var start = 0L; start < info.ElementCount; start += PieceElements)
        {
            using var scope = NewDisposeScope();
            var piece = buffer.AsMemory(0, (int)Math.Min(PieceElements, info.ElementCount - start));
            source.ReadAsFloat32(info, start, piece.Span);
            destination.view(-1).narrow(0, start, piece.Length).copy_(tensor(piece, [piece.Length]));
        }
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
}
