using Alpaca.Abstractions;

namespace Alpaca.Formats;

/// <summary>A checkpoint as <c>torch.save</c> writes it since PyTorch 1.6 (<c>.pth</c>, <c>.pt</c>, <c>.bin</c>): a zip file of a pickle and raw storages.</summary>
/// <remarks>
/// Members: <c>{prefix}/data.pkl</c> describes the tensors, <c>{prefix}/data/{key}</c> are storages in the machine's byte order. Nothing in the pickle is executed.
/// </remarks>
internal static class PthFile
{
    private const string PickleName = "data.pkl";

    public static ITensorSource Open(string path)
    {
        var file = new ReadOnlyFile(path);
        try
        {
            var entries = ZipDirectory.Read(file);
            var pickle = entries.Values.FirstOrDefault(e => e.Name.EndsWith("/" + PickleName, StringComparison.Ordinal) && e.Name.Count(c => c == '/') == 1);
            if (pickle.Name is null)
            {
                throw new AlpacaException($"{path} is a zip file but not a PyTorch checkpoint (it holds no {PickleName}); check that it is the right file.");
            }

            if (pickle.Length > PickleReader.MaxLength)
            {
                throw new AlpacaException($"{path} is not loaded: its pickle {PickleName} is {pickle.Length} bytes long, which no weights need; save only the state_dict with torch.save.");
            }

            var prefix = pickle.Name[..^PickleName.Length];
            ThrowIfBigEndian(file, entries, prefix);
            var root = PickleReader.Read(new ByteReader(file, pickle.DataOffset, pickle.DataOffset + pickle.Length), new Dictionary<string, PickleStorage>(StringComparer.Ordinal));
            return new StridedTensors(file, root, storage => Locate(path, entries, prefix, storage));
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    private static long Locate(string path, IReadOnlyDictionary<string, ZipEntry> entries, string prefix, PickleStorage storage)
    {
        var name = $"{prefix}data/{storage.Key}";
        if (!entries.TryGetValue(name, out var entry))
        {
            throw new AlpacaException($"{path} is damaged: it lacks {Printable.Of(name)}; get it again.");
        }

        return (Int128)storage.ElementCount * storage.DType.Size() <= entry.Length
            ? entry.DataOffset
            : throw new AlpacaException($"{path} is damaged: {Printable.Of(name)} has {entry.Length} bytes, too few for {storage.ElementCount} {storage.DType.TorchName()} elements; get it again.");
    }

    // PyTorch 2.1 and later note the byte order; before, only little-endian machines mattered.
    private static void ThrowIfBigEndian(ReadOnlyFile file, IReadOnlyDictionary<string, ZipEntry> entries, string prefix)
    {
        if (entries.TryGetValue(prefix + "byteorder", out var entry) && entry.Length == 3)
        {
            Span<byte> order = stackalloc byte[3];
            file.ReadExactly(entry.DataOffset, order);
            if (order.SequenceEqual("big"u8))
            {
                throw new AlpacaException($"{file.Path} was written on a big-endian machine, which is not supported; save it again on another.");
            }
        }
    }
}
