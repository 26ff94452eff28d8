using System.Buffers.Binary;
using System.Text.Json;
using Alpaca.Abstractions;

namespace Alpaca.Formats;

/// <summary>A safetensors file: eight bytes of header length, a JSON header, the tensors' data.</summary>
/// <remarks>Format: https://huggingface.co/docs/safetensors. Every offset is checked when the file is opened.</remarks>
public sealed class SafetensorsFile : ITensorSource
{
    // The limit of the reference implementation.
    private const long MaxHeaderLength = 100_000_000;

    private readonly ReadOnlyFile _file;
    private readonly Dictionary<string, (TensorInfo Info, long Offset)> _entries;

    private SafetensorsFile(ReadOnlyFile file, Dictionary<string, (TensorInfo Info, long Offset)> entries, IReadOnlyDictionary<string, string> metadata)
    {
        _file = file;
        _entries = entries;
        Tensors = [.. entries.Values.OrderBy(e => e.Offset).Select(e => e.Info)];
        Metadata = metadata;
    }

    /// <inheritdoc />
    public IReadOnlyList<TensorInfo> Tensors { get; }

    /// <summary>The header's <c>__metadata__</c>.</summary>
    public IReadOnlyDictionary<string, string> Metadata { get; }

    /// <summary>Opens a file and checks its header.</summary>
    /// <exception cref="AlpacaException">The file is missing, cut short or malformed; names the file and the tensor.</exception>
    public static SafetensorsFile Open(string path)
    {
        var file = new ReadOnlyFile(path);
        try
        {
            var (entries, metadata) = ReadHeader(file);
            return new SafetensorsFile(file, entries, metadata);
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    /// <inheritdoc />
    public TensorInfo? Find(string name) => _entries.TryGetValue(name, out var entry) ? entry.Info : null;

    /// <inheritdoc />
    public void Read(TensorInfo tensor, long byteOffset, Span<byte> destination)
    {
        ArgumentNullException.ThrowIfNull(tensor);
        if (!_entries.TryGetValue(tensor.Name, out var entry))
        {
            throw new ArgumentException($"There is no tensor {tensor.Name}.", nameof(tensor));
        }

        ArgumentOutOfRangeException.ThrowIfNegative(byteOffset);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(byteOffset, entry.Info.ByteLength - destination.Length);
        _file.ReadExactly(entry.Offset + byteOffset, destination);
    }

    /// <inheritdoc />
    public void Dispose() => _file.Dispose();

    private static (Dictionary<string, (TensorInfo, long)> Entries, Dictionary<string, string> Metadata) ReadHeader(ReadOnlyFile file)
    {
        Span<byte> prefix = stackalloc byte[8];
        if (file.Length < prefix.Length)
        {
            throw Damaged(file, $"it has only {file.Length} bytes");
        }

        file.ReadExactly(0, prefix);
        var length = BinaryPrimitives.ReadUInt64LittleEndian(prefix);
        if (length > MaxHeaderLength || length > (ulong)(file.Length - prefix.Length))
        {
            throw Damaged(file, $"its header would be {length} bytes long in a file of {file.Length}");
        }

        var header = new byte[length];
        file.ReadExactly(prefix.Length, header);
        try
        {
            using var document = JsonDocument.Parse(header, new JsonDocumentOptions { AllowDuplicateProperties = false });
            return Parse(file, document.RootElement, dataStart: prefix.Length + (long)length);
        }
        catch (JsonException e)
        {
            throw Damaged(file, $"its header is not valid JSON ({e.Message})");
        }
    }

    private static (Dictionary<string, (TensorInfo, long)>, Dictionary<string, string>) Parse(ReadOnlyFile file, JsonElement root, long dataStart)
    {
        if (root.ValueKind != JsonValueKind.Object)
        {
            throw Damaged(file, "its header is not a JSON object");
        }

        var entries = new Dictionary<string, (TensorInfo Info, long Offset)>(StringComparer.Ordinal);
        var metadata = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var property in root.EnumerateObject())
        {
            if (property.NameEquals("__metadata__"))
            {
                ReadMetadata(property.Value, metadata);
            }
            else
            {
                entries.Add(property.Name, ReadEntry(file, property.Name, property.Value, dataStart));
            }
        }

        ThrowIfOverlapping(file, entries.Values);
        return (entries, metadata);
    }

    private static void ReadMetadata(JsonElement value, Dictionary<string, string> metadata)
    {
        if (value.ValueKind != JsonValueKind.Object)
        {
            return;
        }

        foreach (var item in value.EnumerateObject())
        {
            metadata[item.Name] = item.Value.ValueKind == JsonValueKind.String ? item.Value.GetString()! : item.Value.GetRawText();
        }
    }

    private static (TensorInfo, long) ReadEntry(ReadOnlyFile file, string name, JsonElement value, long dataStart)
    {
        if (value.ValueKind != JsonValueKind.Object
            || !value.TryGetProperty("dtype", out var dtypeValue) || dtypeValue.ValueKind != JsonValueKind.String
            || !value.TryGetProperty("shape", out var shapeValue) || !TryReadSizes(shapeValue, out var shape)
            || !value.TryGetProperty("data_offsets", out var offsetsValue) || !TryReadSizes(offsetsValue, out var offsets) || offsets.Length != 2)
        {
            throw Damaged(file, $"the entry of {name} lacks a dtype, a shape of whole numbers or two data_offsets");
        }

        var dtypeName = dtypeValue.GetString()!;
        if (!TryParseDType(dtypeName, out var dtype))
        {
            throw new AlpacaException($"{file.Path} stores {name} as {dtypeName}, which is not supported; save it as F16, BF16 or F32.");
        }

        var available = file.Length - dataStart;
        if (offsets[0] > offsets[1] || offsets[1] > available)
        {
            throw Damaged(file, $"{name} lies at bytes {offsets[0]} to {offsets[1]} of {available}");
        }

        if (!TensorSize.TryGetByteLength(shape, dtype, out var byteLength) || byteLength != offsets[1] - offsets[0])
        {
            throw Damaged(file, $"{name} with shape [{string.Join(", ", shape)}] and {dtypeName} does not fill bytes {offsets[0]} to {offsets[1]}");
        }

        return (new TensorInfo(name, dtype, shape), dataStart + offsets[0]);
    }

    private static bool TryReadSizes(JsonElement value, out long[] sizes)
    {
        sizes = [];
        if (value.ValueKind != JsonValueKind.Array)
        {
            return false;
        }

        sizes = new long[value.GetArrayLength()];
        for (var i = 0; i < sizes.Length; i++)
        {
            if (value[i].ValueKind != JsonValueKind.Number || !value[i].TryGetInt64(out sizes[i]) || sizes[i] < 0)
            {
                return false;
            }
        }

        return true;
    }

    private static void ThrowIfOverlapping(ReadOnlyFile file, IEnumerable<(TensorInfo Info, long Offset)> entries)
    {
        (TensorInfo Info, long Offset)? previous = null;
        foreach (var entry in entries.Where(e => e.Info.ByteLength > 0).OrderBy(e => e.Offset))
        {
            if (previous is { } p && p.Offset + p.Info.ByteLength > entry.Offset)
            {
                throw Damaged(file, $"{p.Info.Name} and {entry.Info.Name} overlap");
            }

            previous = entry;
        }
    }

    private static bool TryParseDType(string name, out DType dtype)
    {
        foreach (var candidate in Enum.GetValues<DType>())
        {
            if (candidate.SafetensorsName() == name)
            {
                dtype = candidate;
                return true;
            }
        }

        dtype = default;
        return false;
    }

    private static AlpacaException Damaged(ReadOnlyFile file, string reason) =>
        new($"{file.Path} is not a sound safetensors file: {reason}; it is cut short or damaged, get it again.");
}
