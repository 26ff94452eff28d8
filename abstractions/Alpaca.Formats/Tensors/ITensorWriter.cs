namespace Alpaca.Formats;

/// <summary>A checkpoint being written: the tensors are known from the start, their data arrives piece by piece in any order.</summary>
/// <remarks>
/// Safe to write from several threads. The files get their names in <see cref="Complete"/>; disposed before that, the writer leaves nothing behind.
/// </remarks>
public interface ITensorWriter : IDisposable
{
    /// <summary>The tensors, in the order they were given.</summary>
    IReadOnlyList<TensorInfo> Tensors { get; }

    /// <summary>Writes a part of a tensor's contiguous, row-major, little-endian data.</summary>
    /// <param name="name">The tensor's name.</param>
    /// <param name="byteOffset">Where in the tensor the part begins.</param>
    /// <param name="data">The part; every byte of a tensor is written exactly once.</param>
    /// <exception cref="Alpaca.Abstractions.AlpacaException">The file cannot be written, for example because the disk is full.</exception>
    void Write(string name, long byteOffset, ReadOnlySpan<byte> data);

    /// <summary>Reads back a part of a tensor that has been written, until <see cref="Complete"/>.</summary>
    /// <param name="name">The tensor's name.</param>
    /// <param name="byteOffset">Where in the tensor the part begins.</param>
    /// <param name="destination">Filled completely; what has not been written yet is undefined.</param>
    /// <exception cref="Alpaca.Abstractions.AlpacaException">The file cannot be read.</exception>
    void Read(string name, long byteOffset, Span<byte> destination);

    /// <summary>Ends the writing and publishes the files.</summary>
    /// <exception cref="InvalidOperationException">A tensor has not been written completely; nothing is published.</exception>
    void Complete();
}
