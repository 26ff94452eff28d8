using System.Text;

namespace Alpaca.Formats.Tests.Hostile;

/// <summary>Pickles put together instruction by instruction, sound ones and others.</summary>
internal static class Pickle
{
    public static readonly byte[] Proto = [0x80, 2], Mark = [(byte)'('], Stop = [(byte)'.'], EmptyDictionary = [(byte)'}'], EmptyList = [(byte)']'], EmptyTuple = [(byte)')'],
        Tuple = [(byte)'t'], SetItem = [(byte)'s'], SetItems = [(byte)'u'], Reduce = [(byte)'R'], PersistentId = [(byte)'Q'], False = [0x89], Append = [(byte)'a'];

    public static byte[] Program(IEnumerable<byte[]> instructions) => [.. instructions.SelectMany(i => i)];

    public static byte[] Program(params byte[][] instructions) => Program((IEnumerable<byte[]>)instructions);

    public static byte[] Text(string text)
    {
        var bytes = Encoding.UTF8.GetBytes(text);
        return [(byte)'X', .. BitConverter.GetBytes(bytes.Length), .. bytes];
    }

    public static byte[] Number(long number) => number is >= int.MinValue and <= int.MaxValue ? [(byte)'J', .. BitConverter.GetBytes((int)number)] : [0x8a, 8, .. BitConverter.GetBytes(number)];

    public static byte[] Global(string module, string name) => Encoding.UTF8.GetBytes($"c{module}\n{name}\n");

    public static byte[] Put(int place) => [(byte)'r', .. BitConverter.GetBytes(place)];

    public static byte[] Get(int place) => place < 256 ? [(byte)'h', (byte)place] : [(byte)'j', .. BitConverter.GetBytes(place)];

    public static IEnumerable<byte[]> Numbers(params long[] numbers) => [Mark, .. numbers.Select(Number), Tuple];

    /// <summary>A storage: ('storage', type, key, 'cpu', count) and, in the legacy format, None.</summary>
    public static IEnumerable<byte[]> Storage(string key, string type, long count, bool isLegacy = false) =>
        [Mark, Text("storage"), Global("torch", type), Text(key), Text("cpu"), Number(count), .. isLegacy ? (byte[][])[[(byte)'N']] : [], Tuple, PersistentId];

    /// <summary>A tensor: _rebuild_tensor_v2(storage, offset, shape, strides, False, OrderedDict()).</summary>
    public static IEnumerable<byte[]> Tensor(IEnumerable<byte[]> storage, long offset, long[] shape, long[] strides) =>
    [
        Global("torch._utils", "_rebuild_tensor_v2"), Mark, .. storage, Number(offset), .. Numbers(shape), .. Numbers(strides), False,
        Global("collections", "OrderedDict"), EmptyTuple, Reduce, Tuple, Reduce,
    ];

    /// <summary>A tensor of float32 in the storage "0".</summary>
    public static IEnumerable<byte[]> Tensor(long count, long offset, long[] shape, long[] strides) => Tensor(Storage("0", "FloatStorage", count), offset, shape, strides);

    /// <summary>A whole pickle: a dictionary of what is given.</summary>
    public static IEnumerable<byte[]> Dictionary(params (string Name, IEnumerable<byte[]> Value)[] items) =>
        [Proto, EmptyDictionary, Mark, .. items.SelectMany(item => (IEnumerable<byte[]>)[Text(item.Name), .. item.Value]), SetItems, Stop];
}
