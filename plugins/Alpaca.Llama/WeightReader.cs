using Alpaca.Abstractions;
using Alpaca.Formats;
using static TorchSharp.torch;

namespace Alpaca.Llama;

/// <summary>Copies stored tensors into torch's memory piece by piece; torch converts the type and moves to the device.</summary>
/// <param name="source">The stored tensors.</param>
/// <param name="progress">Told how many bytes have been read.</param>
/// <param name="pieceBytes">Size of a piece, at least one row: all the memory that reading takes besides the result.</param>
internal sealed class WeightReader(ITensorSource source, IProgressTask? progress, long pieceBytes = 32 << 20)
{
    private long _bytesRead;

    /// <summary>Reads a tensor.</summary>
    /// <param name="name">Its name in the source.</param>
    /// <param name="type">The type to convert to.</param>
    /// <param name="device">Where to put it.</param>
    /// <param name="rows">Size of the first dimension where it is to be larger than in the source; the added rows are uninitialised.</param>
    /// <returns>A tensor outside any dispose scope, without gradient.</returns>
    public Tensor Read(string name, ScalarType type, Device device, long? rows = null)
    {
        using var scope = NewDisposeScope();
        var info = source.Find(name) ?? throw new AlpacaException($"The model has no tensor {name}; convert or download it again.");
        long[] shape = [rows ?? info.Shape[0], .. info.Shape.Skip(1)];
        var target = empty(shape, dtype: type, device: device);

        var rowBytes = info.ByteLength / info.Shape[0];
        var pieceRows = Math.Clamp(pieceBytes / rowBytes, 1, info.Shape[0]);
        var piece = empty([pieceRows, .. info.Shape.Skip(1)], dtype: ScalarTypeOf(info));
        for (long row = 0; row < info.Shape[0]; row += pieceRows)
        {
            using var pieceScope = NewDisposeScope();
            var count = Math.Min(pieceRows, info.Shape[0] - row);
            var part = piece.narrow(0, 0, count);
            source.Read(info, row * rowBytes, part.bytes);
            target.narrow(0, row, count).copy_(part);
            _bytesRead += count * rowBytes;
            progress?.Report(_bytesRead);
        }

        return target.DetachFromDisposeScope();
    }

    private static ScalarType ScalarTypeOf(TensorInfo tensor) => tensor.DType switch
    {
        DType.Float16 => ScalarType.Float16,
        DType.BFloat16 => ScalarType.BFloat16,
        DType.Float32 => ScalarType.Float32,
        DType.Float64 => ScalarType.Float64,
        _ => throw new AlpacaException($"Tensor {tensor.Name} holds {tensor.DType.TorchName()} values; only floating-point weights can be run, so take the model before it was quantised."),
    };
}
