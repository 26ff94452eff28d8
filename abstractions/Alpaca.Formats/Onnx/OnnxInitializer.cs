namespace Alpaca.Formats;

/// <summary>A tensor of an ONNX graph and where its data is.</summary>
/// <param name="Tensor">Name, type, shape.</param>
/// <param name="File">The file that holds the data: the model itself or an external data file.</param>
/// <param name="Offset">Where the data begins in <paramref name="File"/>, in bytes.</param>
/// <param name="Length">The bytes of the data.</param>
/// <param name="Decoded">The data itself where the model stores it as a list of numbers instead of raw bytes; otherwise <see langword="null"/>.</param>
internal sealed record OnnxInitializer(TensorInfo Tensor, string File, long Offset, long Length, byte[]? Decoded);
