using System.Buffers.Binary;
using Alpaca.Abstractions;

namespace Alpaca.Formats;

/// <summary>A safetensors file: eight bytes of header length, a JSON header, the tensors' data.</summary>
/// <remarks>Format: https://huggingface.co/docs/safetensors. Every offset is checked when the file is opened.</remarks>
public sealed class SafetensorsFile : ITensorSource
{
    // The limit of the reference implementation.
    private const long MaxHeaderLength = 100_000_000;

    private readonly ReadOnlyFile _file;
    private readonly SafetensorsHeader _header;
    private readonly long _dataStart;

    private SafetensorsFile(ReadOnlyFile file, SafetensorsHeader header, long dataStart) => (_file, _header, _dataStart) = (file, header, dataStart);

    /// <inheritdoc />
    public IReadOnlyList<TensorInfo> Tensors => _header.Tensors;

    /// <summary>The header's <c>__metadata__</c>.</summary>
    public IReadOnlyDictionary<string, string> Metadata => _header.Metadata;

    /// <summary>Opens a file and checks its header.</summary>
    /// <exception cref="AlpacaException">The file is missing, cut short or malformed; names the file and the tensor.</exception>
    public static SafetensorsFile Open(string path)
    {
        var file = new ReadOnlyFile(path);
        try
        {
            return ReadHeader(file);
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    /// <inheritdoc />
    public TensorInfo? Find(string name) => _header.Entries.TryGetValue(name, out var entry) ? entry.Info : null;

    /// <inheritdoc />
    public void Read(TensorInfo tensor, long byteOffset, Span<byte> destination)
    {
        ArgumentNullException.ThrowIfNull(tensor);
        if (!_header.Entries.TryGetValue(tensor.Name, out var entry))
        {
            throw new ArgumentException($"There is no tensor {tensor.Name}.", nameof(tensor));
        }

        ArgumentOutOfRangeException.ThrowIfNegative(byteOffset);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(byteOffset, entry.Info.ByteLength - destination.Length);
        _file.ReadExactly(_dataStart + entry.Offset + byteOffset, destination);
    }

    /// <inheritdoc />
    public void Dispose() => _file.Dispose();

    private static SafetensorsFile ReadHeader(ReadOnlyFile file)
    {
        Span<byte> prefix = stackalloc byte[8];
        if (file.Length < prefix.Length)
        {
            throw SafetensorsHeader.Damaged(file.Path, $"it has only {file.Length} bytes");
        }

        file.ReadExactly(0, prefix);
        var length = BinaryPrimitives.ReadUInt64LittleEndian(prefix);
        if (length > MaxHeaderLength || length > (ulong)(file.Length - prefix.Length))
        {
            throw SafetensorsHeader.Damaged(file.Path, $"its header would be {length} bytes long in a file of {file.Length}");
        }

        var json = new byte[length];
        file.ReadExactly(prefix.Length, json);
        var dataStart = prefix.Length + (long)length;
        return new SafetensorsFile(file, SafetensorsHeader.Read(file.Path, json, file.Length - dataStart), dataStart);
    }
}
