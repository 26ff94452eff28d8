using System.Buffers.Binary;
using System.Globalization;
using Alpaca.Abstractions;

namespace Alpaca.Formats;

/// <summary>Finds the initializers in an ONNX file. Field numbers are those of <c>onnx.proto</c>.</summary>
internal sealed class OnnxInitializerReader
{
    private const int ModelGraph = 7;
    private const int GraphInitializer = 5;
    private const int ExternalLocation = 1;

    private readonly string _path;
    private readonly ProtobufReader _reader;
    private readonly List<OnnxInitializer> _initializers = [];

    private OnnxInitializerReader(string path, Stream stream)
    {
        _path = path;
        _reader = new ProtobufReader(stream);
    }

    /// <summary>Reads all initializers of the top-level graph.</summary>
    /// <exception cref="AlpacaException">The file cannot be opened or is no intact ONNX model.</exception>
    public static IReadOnlyList<OnnxInitializer> Read(string path)
    {
        try
        {
            using var stream = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read, bufferSize: 1 << 16);
            var reader = new OnnxInitializerReader(path, stream);
            reader.ReadModel(stream.Length);
            return reader._initializers;
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            throw new AlpacaException($"{path} does not exist.", e);
        }
        catch (UnauthorizedAccessException e)
        {
            throw new AlpacaException($"{path} cannot be read: it is a folder, or its permissions forbid it.", e);
        }
        catch (Exception e) when (e is InvalidDataException or OverflowException)
        {
            throw new AlpacaException($"{path} is not an intact ONNX model ({e.Message}); copy or export it again.", e);
        }
    }

    private void ReadModel(long end)
    {
        var graphs = 0;
        while (_reader.NextField(end))
        {
            if (_reader.Field != ModelGraph)
            {
                _reader.Skip();
                continue;
            }

            graphs++;
            var graphEnd = _reader.ReadLength();
            while (_reader.NextField(graphEnd))
            {
                if (_reader.Field == GraphInitializer) ReadTensor(_reader.ReadLength());
                else _reader.Skip();
            }
        }

        if (graphs != 1) throw new InvalidDataException(graphs == 0 ? "it holds no graph" : "it holds several graphs");
    }

    private void ReadTensor(long end)
    {
        var dims = new List<long>();
        var external = new Dictionary<string, string>();
        var numbers = new List<long>();
        var (name, type, location) = ("", 0L, 0L);
        (long Offset, long Length)? raw = null;

        while (_reader.NextField(end))
        {
            switch (_reader.Field)
            {
                case 1: ReadIntegers(dims.Add); break;
                case 2: type = _reader.ReadInt64(); break;
                case 5 or 7: ReadIntegers(numbers.Add); break; // int32_data, int64_data
                case 8: name = _reader.ReadString(); break;
                case 4 or 9 or 10: // float_data and double_data are packed little-endian: the same bytes that raw_data would hold
                    if (raw is not null) throw _reader.Malformed("a tensor has its data twice");
                    var rawEnd = _reader.ReadLength();
                    raw = (_reader.Position, rawEnd - _reader.Position);
                    _reader.SkipTo(rawEnd);
                    break;
                case 13: ReadEntry(_reader.ReadLength(), external); break;
                case 14: location = _reader.ReadInt64(); break;
                default: _reader.Skip(); break;
            }
        }

        var dtype = OnnxElementType.FromNumber(type)
            ?? throw new AlpacaException($"{_path} holds {name} with ONNX element type {type}, which cannot be read here; only plain integers and floating point of 16 to 64 bits can.");
        if (dims.Any(d => d < 0)) throw new InvalidDataException($"{name} has a negative size");
        var tensor = new TensorInfo(name, dtype, dims);
        _initializers.Add(location == ExternalLocation ? External(tensor, external)
            : raw is { } inline ? new OnnxInitializer(tensor, _path, inline.Offset, inline.Length, null)
            : Decoded(tensor, numbers));
    }

    private OnnxInitializer External(TensorInfo tensor, Dictionary<string, string> entries)
    {
        if (!entries.TryGetValue("location", out var location) || location.Length == 0) throw new InvalidDataException($"{tensor.Name} has no data file");

        // The location comes from the file: it must not lead out of the model's folder.
        if (Path.IsPathRooted(location) || location.Split('/', '\\').Contains(".."))
            throw new AlpacaException($"{_path} looks for {tensor.Name} in '{location}', outside its own folder, which is not allowed; export the model again.");
        var file = Path.Combine(Path.GetDirectoryName(Path.GetFullPath(_path))!, location);
        return new OnnxInitializer(tensor, file, Number("offset", 0), Number("length", tensor.ByteLength), null);

        long Number(string key, long absent) => !entries.TryGetValue(key, out var text) ? absent
            : long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var value) ? value
            : throw new InvalidDataException($"the {key} of {tensor.Name} is not a number");
    }

    /// <summary>Writes a list of numbers as the bytes that <c>raw_data</c> would hold; float16 and bfloat16 are stored in <c>int32_data</c> by their bits.</summary>
    private OnnxInitializer Decoded(TensorInfo tensor, List<long> numbers)
    {
        var size = tensor.DType.Size();
        var data = new byte[checked(numbers.Count * size)];
        Span<byte> element = stackalloc byte[sizeof(long)];
        for (var i = 0; i < numbers.Count; i++)
        {
            BinaryPrimitives.WriteInt64LittleEndian(element, numbers[i]);
            element[..size].CopyTo(data.AsSpan(i * size));
        }

        return new OnnxInitializer(tensor, _path, 0, data.Length, data);
    }

    private void ReadIntegers(Action<long> add)
    {
        if (!_reader.IsLengthDelimited)
        {
            add(_reader.ReadInt64());
            return;
        }

        var end = _reader.ReadLength();
        while (_reader.Position < end) add((long)_reader.ReadVarint());
        if (_reader.Position != end) throw _reader.Malformed("a list of numbers is cut off");
    }

    private void ReadEntry(long end, Dictionary<string, string> entries)
    {
        var (key, value) = ("", "");
        while (_reader.NextField(end))
        {
            if (_reader.Field == 1) key = _reader.ReadString();
            else if (_reader.Field == 2) value = _reader.ReadString();
            else _reader.Skip();
        }

        entries[key] = value;
    }
}
