using System.Text.Json;
using Alpaca.Abstractions;

namespace Alpaca.Formats;

/// <summary>The JSON header of a safetensors file, checked: every tensor lies inside the data, and together they fill it.</summary>
/// <remarks>Read token by token and not as a document, which would take up to 16 bytes for each of a header of up to 100 MB.</remarks>
internal sealed class SafetensorsHeader
{
    // PyTorch's limit on the number of dimensions.
    private const int MaxRank = 64;

    private static readonly (byte[] Name, DType DType)[] DTypes =
        [.. Enum.GetValues<DType>().Select(dtype => (System.Text.Encoding.ASCII.GetBytes(dtype.SafetensorsName()), dtype))];

    private readonly string _path;
    private readonly long _available;
    private readonly Dictionary<string, (TensorInfo Info, long Offset)> _entries = new(StringComparer.Ordinal);
    private readonly Dictionary<string, string> _metadata = new(StringComparer.Ordinal);

    private SafetensorsHeader(string path, long available) => (_path, _available) = (path, available);

    /// <summary>Each tensor and where it lies in the data.</summary>
    public IReadOnlyDictionary<string, (TensorInfo Info, long Offset)> Entries => _entries;

    /// <summary>The tensors by their place in the file.</summary>
    public IReadOnlyList<TensorInfo> Tensors { get; private set; } = [];

    public IReadOnlyDictionary<string, string> Metadata => _metadata;

    /// <summary>Reads a header.</summary>
    /// <param name="path">The file, for messages.</param>
    /// <param name="json">The header.</param>
    /// <param name="available">The bytes that follow it.</param>
    /// <exception cref="AlpacaException">The header is malformed or does not fit the file; names the file and the tensor.</exception>
    public static SafetensorsHeader Read(string path, ReadOnlySpan<byte> json, long available)
    {
        var header = new SafetensorsHeader(path, available);
        try
        {
            header.ReadAll(json);
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            // The second kind: a text that is no UTF-8, or half of a surrogate pair.
            throw Damaged(path, $"its header is not valid JSON ({Printable.Of(e.Message, most: 300)})", e);
        }

        header.Tensors = header.InOrder();
        return header;
    }

    public static AlpacaException Damaged(string path, string reason, Exception? inner = null) =>
        new($"{path} is not a sound safetensors file: {reason}; it is cut short or damaged, get it again.", inner);

    private void ReadAll(ReadOnlySpan<byte> json)
    {
        var reader = new Utf8JsonReader(json);
        reader.Read();
        if (reader.TokenType != JsonTokenType.StartObject)
        {
            throw Damaged("its header is not a JSON object");
        }

        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            var name = reader.GetString()!;
            reader.Read();
            if (name == "__metadata__")
            {
                ReadMetadata(ref reader);
            }
            else if (!_entries.TryAdd(name, ReadEntry(ref reader, name)))
            {
                throw Damaged($"it holds {Printable.Of(name)} twice");
            }
        }

        // What follows the object but white space is an error of the reader's own.
        reader.Read();
    }

    private void ReadMetadata(ref Utf8JsonReader reader)
    {
        if (reader.TokenType != JsonTokenType.StartObject)
        {
            reader.Skip();
            return;
        }

        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            var key = reader.GetString()!;
            reader.Read();
            if (reader.TokenType == JsonTokenType.String && !_metadata.TryAdd(key, reader.GetString()!))
            {
                throw Damaged($"its metadata hold {Printable.Of(key)} twice");
            }

            reader.Skip();
        }
    }

    private (TensorInfo, long) ReadEntry(ref Utf8JsonReader reader, string name)
    {
        DType? dtype = null;
        long[]? shape = null, offsets = null;
        if (reader.TokenType != JsonTokenType.StartObject)
        {
            throw Incomplete(name);
        }

        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            if (reader.ValueTextEquals("dtype"u8))
            {
                ThrowIfGiven(name, "dtype", dtype is not null);
                reader.Read();
                dtype = ReadDType(ref reader, name);
            }
            else if (reader.ValueTextEquals("shape"u8))
            {
                ThrowIfGiven(name, "shape", shape is not null);
                reader.Read();
                shape = ReadSizes(ref reader, name);
            }
            else if (reader.ValueTextEquals("data_offsets"u8))
            {
                ThrowIfGiven(name, "data_offsets", offsets is not null);
                reader.Read();
                offsets = ReadSizes(ref reader, name);
            }
            else
            {
                reader.Skip();
            }
        }

        return dtype is { } type && shape is not null && offsets is [var start, var end] ? Check(name, type, shape, start, end) : throw Incomplete(name);
    }

    private (TensorInfo, long) Check(string name, DType dtype, long[] shape, long start, long end)
    {
        if (start > end || end > _available)
        {
            throw Damaged($"{Printable.Of(name)} lies at bytes {start} to {end} of {_available}");
        }

        return TensorSize.TryGetByteLength(shape, dtype, out var byteLength) && byteLength == end - start
            ? (new TensorInfo(name, dtype, shape), start)
            : throw Damaged($"{Printable.Of(name)} with shape [{string.Join(", ", shape)}] and {dtype.SafetensorsName()} does not fill bytes {start} to {end}");
    }

    private DType ReadDType(ref Utf8JsonReader reader, string name)
    {
        if (reader.TokenType != JsonTokenType.String)
        {
            throw Incomplete(name);
        }

        foreach (var (text, dtype) in DTypes)
        {
            if (reader.ValueTextEquals(text))
            {
                return dtype;
            }
        }

        throw new AlpacaException($"{_path} stores {Printable.Of(name)} as {Printable.Of(reader.GetString()!)}, which is not supported; save it as F16, BF16 or F32.");
    }

    private long[] ReadSizes(ref Utf8JsonReader reader, string name)
    {
        if (reader.TokenType != JsonTokenType.StartArray)
        {
            throw Incomplete(name);
        }

        Span<long> sizes = stackalloc long[MaxRank];
        var count = 0;
        while (reader.Read() && reader.TokenType != JsonTokenType.EndArray)
        {
            if (count == MaxRank)
            {
                throw Damaged($"{Printable.Of(name)} has more than {MaxRank} dimensions");
            }

            if (reader.TokenType != JsonTokenType.Number || !reader.TryGetInt64(out sizes[count]) || sizes[count++] < 0)
            {
                throw Incomplete(name);
            }
        }

        return sizes[..count].ToArray();
    }

    private TensorInfo[] InOrder()
    {
        var ordered = _entries.Values.ToArray();
        Array.Sort(ordered, static (a, b) => a.Offset != b.Offset ? a.Offset.CompareTo(b.Offset) : a.Info.ByteLength.CompareTo(b.Info.ByteLength));

        // The format leaves no bytes between tensors nor after them, so that nothing can hide there.
        var (end, previous) = (0L, "");
        foreach (var (info, offset) in ordered.Where(entry => entry.Info.ByteLength > 0))
        {
            if (offset != end)
            {
                throw Damaged(offset < end ? $"{Printable.Of(previous)} and {Printable.Of(info.Name)} overlap" : $"bytes {end} to {offset} belong to no tensor");
            }

            (end, previous) = (offset + info.ByteLength, info.Name);
        }

        return end == _available ? Array.ConvertAll(ordered, entry => entry.Info) : throw Damaged($"bytes {end} to {_available} belong to no tensor");
    }

    private void ThrowIfGiven(string name, string field, bool isGiven)
    {
        if (isGiven)
        {
            throw Damaged($"the entry of {Printable.Of(name)} has {field} twice");
        }
    }

    private AlpacaException Incomplete(string name) => Damaged($"the entry of {Printable.Of(name)} lacks a dtype, a shape of whole numbers or two data_offsets");

    private AlpacaException Damaged(string reason) => Damaged(_path, reason);
}
