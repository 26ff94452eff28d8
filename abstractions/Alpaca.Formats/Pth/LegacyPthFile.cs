using Alpaca.Abstractions;

namespace Alpaca.Formats;

/// <summary>A checkpoint as <c>torch.save</c> wrote it before PyTorch 1.6: pickles and storages one after the other.</summary>
/// <remarks>
/// Order: magic number, protocol version, a description of the machine, the object, the list of storage keys (five pickles); then for each key the number of elements
/// (64 bits) and the raw elements.
/// </remarks>
internal static class LegacyPthFile
{
    /// <summary>The first pickle: protocol 2, the ten-byte integer 0x1950a86a20f9469cfc6c.</summary>
    public static ReadOnlySpan<byte> Signature => [0x80, 0x02, 0x8a, 0x0a, 0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19];

    private const long ProtocolVersion = 1001;

    public static ITensorSource Open(string path)
    {
        var file = new ReadOnlyFile(path);
        try
        {
            var input = new ByteReader(file, 0, file.Length);
            var storages = new Dictionary<string, PickleStorage>(StringComparer.Ordinal);
            PickleReader.Read(input, storages);
            if (PickleReader.Read(input, storages) is not ProtocolVersion)
            {
                throw new AlpacaException($"{path} is in an unknown version of PyTorch's legacy format; save it again with a current PyTorch.");
            }

            if (PickleReader.Read(input, storages) is PickleDictionary machine && machine.Items.Contains(("little_endian", false)))
            {
                throw new AlpacaException($"{path} was written on a big-endian machine, which is not supported; save it again on another.");
            }

            var root = PickleReader.Read(input, storages);
            var keys = PickleReader.Read(input, storages) as PickleList
                ?? throw new AlpacaException($"{path} is damaged: its list of storages is missing; get it again.");
            var offsets = LocateStorages(file, input.Position, keys.Items, storages);
            return new StridedTensors(file, root, storage => offsets.TryGetValue(storage.Key, out var offset)
                ? offset
                : throw new AlpacaException($"{path} is damaged: the storage {Printable.Of(storage.Key)} is missing; get it again."));
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    private static Dictionary<string, long> LocateStorages(ReadOnlyFile file, long position, IReadOnlyList<object?> keys, Dictionary<string, PickleStorage> storages)
    {
        var offsets = new Dictionary<string, long>(StringComparer.Ordinal);
        Span<byte> count = stackalloc byte[sizeof(long)];
        foreach (var item in keys)
        {
            if (item is not string key || !storages.TryGetValue(key, out var storage) || position > file.Length - count.Length)
            {
                throw CutShort();
            }

            file.ReadExactly(position, count);
            position += count.Length;
            var bytes = (Int128)storage.ElementCount * storage.DType.Size();
            if (BitConverter.ToInt64(count) != storage.ElementCount || bytes > file.Length - position || !offsets.TryAdd(key, position))
            {
                throw CutShort();
            }

            position += (long)bytes;
        }

        return offsets;

        AlpacaException CutShort() => new($"{file.Path} is cut short or damaged near byte {position}; get it again.");
    }
}
