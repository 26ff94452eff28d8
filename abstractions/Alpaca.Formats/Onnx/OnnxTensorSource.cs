using Alpaca.Abstractions;

namespace Alpaca.Formats;

/// <summary>The initializers (weights) of an ONNX model, those in external data files included.</summary>
/// <remarks>
/// Reads the graph's own initializers; constants inside nodes and subgraphs are not listed. Names, types and places are read on opening and every external file
/// is checked to be there and long enough; the data itself is read only when it is asked for.
/// </remarks>
public sealed class OnnxTensorSource : ITensorSource
{
    private readonly string _path;
    private readonly Dictionary<string, OnnxInitializer> _initializers;
    private readonly Dictionary<string, ReadOnlyFile> _files;

    private OnnxTensorSource(string path, IReadOnlyList<OnnxInitializer> initializers, Dictionary<string, ReadOnlyFile> files)
    {
        _path = path;
        _files = files;
        _initializers = initializers.ToDictionary(i => i.Tensor.Name);
        Tensors = [.. initializers.Select(i => i.Tensor)];
    }

    /// <inheritdoc />
    public IReadOnlyList<TensorInfo> Tensors { get; }

    /// <summary>Opens an ONNX model.</summary>
    /// <param name="path">The <c>.onnx</c> file.</param>
    /// <exception cref="AlpacaException">The file is missing, damaged or no ONNX model, or one of its data files is missing or too short.</exception>
    public static OnnxTensorSource Open(string path)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        var files = new Dictionary<string, ReadOnlyFile>();
        try
        {
            var initializers = OnnxInitializerReader.Read(path);
            if (initializers.Select(i => i.Tensor.Name).GroupBy(n => n).FirstOrDefault(g => g.Count() > 1) is { } twice)
                throw new AlpacaException($"{path} holds two tensors named {twice.Key}; write or export the file again.");

            foreach (var initializer in initializers) CheckData(path, initializer, files);
            return new OnnxTensorSource(path, initializers, files);
        }
        catch
        {
            foreach (var file in files.Values) file.Dispose();
            throw;
        }
    }

    /// <inheritdoc />
    public TensorInfo? Find(string name) => _initializers.TryGetValue(name, out var initializer) ? initializer.Tensor : null;

    /// <inheritdoc />
    public void Read(TensorInfo tensor, long byteOffset, Span<byte> destination)
    {
        ArgumentNullException.ThrowIfNull(tensor);
        if (!_initializers.TryGetValue(tensor.Name, out var initializer)) throw new ArgumentException($"{tensor.Name} is not a tensor of {_path}.", nameof(tensor));
        ArgumentOutOfRangeException.ThrowIfNegative(byteOffset);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(destination.Length, initializer.Tensor.ByteLength - byteOffset, nameof(destination));
        if (initializer.Decoded is { } decoded)
        {
            decoded.AsSpan((int)byteOffset, destination.Length).CopyTo(destination);
            return;
        }

        _files[initializer.File].ReadExactly(initializer.Offset + byteOffset, destination);
    }

    /// <inheritdoc />
    public void Dispose()
    {
        foreach (var file in _files.Values) file.Dispose();
    }

    private static void CheckData(string path, OnnxInitializer initializer, Dictionary<string, ReadOnlyFile> files)
    {
        var tensor = initializer.Tensor;
        if (initializer.Length != tensor.ByteLength)
            throw new AlpacaException($"{path} is damaged: {tensor.Name} takes {tensor.ByteLength} bytes and has {initializer.Length}; write or export the file again.");
        if (initializer.Decoded is not null) return;

        if (!files.TryGetValue(initializer.File, out var file))
        {
            if (!File.Exists(initializer.File)) throw new AlpacaException($"{initializer.File}, which holds the weights of {path}, is missing; put it back or export the model again.");
            files[initializer.File] = file = new ReadOnlyFile(initializer.File);
        }

        if (initializer.Offset < 0 || initializer.Offset > file.Length - initializer.Length)
        {
            throw new AlpacaException(
                $"{initializer.File} is {file.Length} bytes long and too short for {tensor.Name} of {path}: the copy is incomplete or of another model; copy or export it again.");
        }
    }
}
