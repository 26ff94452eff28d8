using System.Buffers.Binary;
using System.Globalization;
using System.Text;

namespace Alpaca.Formats;

/// <summary>Writes the <c>data.pkl</c> of a state_dict: a dictionary of contiguous tensors, each with a storage of its own named by its number.</summary>
internal static class StateDictPickle
{
    // Places in the memo, for what every tensor repeats.
    private const byte RebuildTensor = 0, StorageWord = 1, CpuWord = 2, OrderedDictionary = 3;

    public static byte[] Write(IReadOnlyList<TensorInfo> tensors)
    {
        using var output = new MemoryStream();
        output.Write([0x80, 2]);                                            // PROTO 2
        output.Write("}("u8);                                               // EMPTY_DICT MARK
        for (var i = 0; i < tensors.Count; i++)
        {
            WriteText(output, tensors[i].Name);
            WriteTensor(output, tensors[i], i);
        }

        output.Write("u."u8);                                               // SETITEMS STOP
        return output.ToArray();
    }

    // torch._utils._rebuild_tensor_v2(storage, 0, shape, strides, False, OrderedDict())
    private static void WriteTensor(MemoryStream output, TensorInfo tensor, int number)
    {
        var isFirst = number == 0;
        Remembered(output, isFirst, RebuildTensor, static o => WriteGlobal(o, "torch._utils", "_rebuild_tensor_v2"));
        output.Write("(("u8);                                               // MARK MARK: the arguments, the persistent id
        Remembered(output, isFirst, StorageWord, static o => WriteText(o, "storage"));
        WriteGlobal(output, "torch", StorageType(tensor.DType));
        WriteText(output, number.ToString(CultureInfo.InvariantCulture));
        Remembered(output, isFirst, CpuWord, static o => WriteText(o, "cpu"));
        WriteNumber(output, tensor.ElementCount);
        output.Write("tQ"u8);                                               // TUPLE BINPERSID
        WriteNumber(output, 0);
        WriteNumbers(output, tensor.Shape);
        WriteNumbers(output, ContiguousStrides(tensor.Shape));
        output.WriteByte(0x89);                                             // NEWFALSE: requires_grad
        Remembered(output, isFirst, OrderedDictionary, static o => WriteGlobal(o, "collections", "OrderedDict"));
        output.Write(")RtR"u8);                                             // EMPTY_TUPLE REDUCE: no hooks; TUPLE REDUCE
    }

    private static long[] ContiguousStrides(IReadOnlyList<long> shape)
    {
        var strides = new long[shape.Count];
        long stride = 1;
        for (var i = shape.Count - 1; i >= 0; i--)
        {
            strides[i] = stride;
            stride *= Math.Max(shape[i], 1);
        }

        return strides;
    }

    private static string StorageType(DType dtype) => dtype switch
    {
        DType.Float16 => "HalfStorage",
        DType.BFloat16 => "BFloat16Storage",
        DType.Float32 => "FloatStorage",
        DType.Float64 => "DoubleStorage",
        DType.Int8 => "CharStorage",
        DType.UInt8 => "ByteStorage",
        DType.Int16 => "ShortStorage",
        DType.Int32 => "IntStorage",
        DType.Int64 => "LongStorage",
        DType.Bool => "BoolStorage",
        _ => throw new ArgumentOutOfRangeException(nameof(dtype), dtype, null),
    };

    private static void Remembered(MemoryStream output, bool isFirst, byte place, Action<MemoryStream> write)
    {
        if (isFirst)
        {
            write(output);
            output.Write([(byte)'q', place]);                               // BINPUT
        }
        else
        {
            output.Write([(byte)'h', place]);                               // BINGET
        }
    }

    private static void WriteGlobal(MemoryStream output, string module, string name) => output.Write(Encoding.ASCII.GetBytes($"c{module}\n{name}\n"));

    private static void WriteText(MemoryStream output, string text)
    {
        var bytes = Encoding.UTF8.GetBytes(text);
        Span<byte> length = stackalloc byte[4];
        BinaryPrimitives.WriteInt32LittleEndian(length, bytes.Length);
        output.WriteByte((byte)'X');                                        // BINUNICODE
        output.Write(length);
        output.Write(bytes);
    }

    private static void WriteNumbers(MemoryStream output, IEnumerable<long> numbers)
    {
        output.WriteByte((byte)'(');                                        // MARK
        foreach (var number in numbers)
        {
            WriteNumber(output, number);
        }

        output.WriteByte((byte)'t');                                        // TUPLE
    }

    private static void WriteNumber(MemoryStream output, long number)
    {
        Span<byte> bytes = stackalloc byte[8];
        BinaryPrimitives.WriteInt64LittleEndian(bytes, number);
        if (number is >= int.MinValue and <= int.MaxValue)
        {
            output.WriteByte((byte)'J');                                    // BININT
            output.Write(bytes[..4]);
        }
        else
        {
            output.Write([0x8a, 8]);                                        // LONG1
            output.Write(bytes);
        }
    }
}
