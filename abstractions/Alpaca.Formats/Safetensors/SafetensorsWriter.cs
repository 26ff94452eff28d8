using System.Buffers;
using System.Buffers.Binary;
using System.Text.Json;
using Alpaca.Abstractions;

namespace Alpaca.Formats;

/// <summary>Writes one safetensors file.</summary>
/// <remarks>
/// The data starts at a multiple of 64 bytes, and tensors with larger elements come first, so that every element is aligned; tensors of one type keep their order.
/// </remarks>
public sealed class SafetensorsWriter : ITensorWriter
{
    private const int Alignment = 64;

    private static readonly IReadOnlyDictionary<string, string> DefaultMetadata = new Dictionary<string, string> { ["format"] = "pt" };

    private readonly PositionalFileWriter _file;
    private readonly WriteLedger _ledger;
    private readonly long[] _offsets;

    /// <summary>Creates the file and reserves its room on the disk.</summary>
    /// <param name="path">Where to write. The file appears there in <see cref="Complete"/>.</param>
    /// <param name="tensors">What will be written.</param>
    /// <param name="metadata">Texts for the header. The default is <c>format: pt</c>, without which transformers refuses a file.</param>
    /// <exception cref="AlpacaException">The file cannot be created or the disk is too full.</exception>
    public SafetensorsWriter(string path, IReadOnlyList<TensorInfo> tensors, IReadOnlyDictionary<string, string>? metadata = null)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(path);
        ArgumentNullException.ThrowIfNull(tensors);
        Tensors = tensors;
        _ledger = new WriteLedger(tensors);
        _offsets = new long[tensors.Count];
        var header = BuildHeader(tensors, metadata ?? DefaultMetadata, _offsets);
        long end = header.Length;
        for (var i = 0; i < _offsets.Length; i++)
        {
            _offsets[i] += header.Length;
            end = Math.Max(end, _offsets[i] + tensors[i].ByteLength);
        }

        _file = new PositionalFileWriter(path, end);
        try
        {
            _file.Write(0, header);
        }
        catch
        {
            _file.Dispose();
            throw;
        }
    }

    /// <inheritdoc />
    public IReadOnlyList<TensorInfo> Tensors { get; }

    /// <inheritdoc />
    public void Write(string name, long byteOffset, ReadOnlySpan<byte> data) => _file.Write(_offsets[_ledger.Note(name, byteOffset, data.Length)] + byteOffset, data);

    /// <inheritdoc />
    public void Read(string name, long byteOffset, Span<byte> destination) => _file.Read(_offsets[_ledger.Find(name, byteOffset, destination.Length)] + byteOffset, destination);

    /// <inheritdoc />
    public void Complete()
    {
        ThrowIfIncomplete();
        _file.Publish();
    }

    /// <inheritdoc />
    public void Dispose() => _file.Dispose();

    internal void ThrowIfIncomplete() => _ledger.ThrowIfIncomplete();

    private static byte[] BuildHeader(IReadOnlyList<TensorInfo> tensors, IReadOnlyDictionary<string, string> metadata, long[] offsets)
    {
        var buffer = new ArrayBufferWriter<byte>();
        buffer.Advance(Prepare(buffer, sizeof(ulong)));
        using (var json = new Utf8JsonWriter(buffer))
        {
            json.WriteStartObject();
            if (metadata.Count > 0)
            {
                json.WriteStartObject("__metadata__");
                foreach (var (key, value) in metadata)
                {
                    json.WriteString(key, value);
                }

                json.WriteEndObject();
            }

            long position = 0;
            foreach (var index in Enumerable.Range(0, tensors.Count).OrderByDescending(i => tensors[i].DType.Size()))
            {
                var tensor = tensors[index];
                offsets[index] = position;
                json.WriteStartObject(tensor.Name);
                json.WriteString("dtype", tensor.DType.SafetensorsName());
                json.WriteStartArray("shape");
                foreach (var size in tensor.Shape)
                {
                    json.WriteNumberValue(size);
                }

                json.WriteEndArray();
                json.WriteStartArray("data_offsets");
                json.WriteNumberValue(position);
                json.WriteNumberValue(position += tensor.ByteLength);
                json.WriteEndArray();
                json.WriteEndObject();
            }

            json.WriteEndObject();
        }

        // Spaces after the JSON are part of the format's header.
        var padding = (Alignment - (buffer.WrittenCount % Alignment)) % Alignment;
        buffer.GetSpan(padding)[..padding].Fill((byte)' ');
        buffer.Advance(padding);
        var header = buffer.WrittenSpan.ToArray();
        BinaryPrimitives.WriteUInt64LittleEndian(header, (ulong)(header.Length - sizeof(ulong)));
        return header;
    }

    private static int Prepare(ArrayBufferWriter<byte> buffer, int count)
    {
        buffer.GetSpan(count)[..count].Clear();
        return count;
    }
}
