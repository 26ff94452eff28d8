using System.Buffers.Binary;
using System.Numerics;
using System.Text;
using Alpaca.Abstractions;

namespace Alpaca.Formats;

/// <summary>Reads the pickles inside PyTorch's weight files.</summary>
/// <remarks>
/// <para>A pickle is a program for a stack machine that can call anything importable. This machine has only the instructions that weight files use and knows only the
/// names in <see cref="Global"/>; anything else ends the reading with an error, and nothing is ever called.</para>
/// <para>Instructions: https://docs.python.org/3/library/pickletools.html, protocols 2 to 4. Memory stays in proportion to the pickle's length.</para>
/// </remarks>
internal sealed class PickleReader
{
    // PyTorch's own limit on the number of dimensions.
    private const int MaxRank = 64;

    // What the instruction MARK leaves on the stack.
    private static readonly object Mark = new();

    private readonly ByteReader _input;
    private readonly List<object?> _stack = [];
    private readonly Dictionary<int, object?> _memo = [];
    private readonly Dictionary<string, PickleStorage> _storages;

    private PickleReader(ByteReader input, Dictionary<string, PickleStorage> storages)
    {
        _input = input;
        _storages = storages;
    }

    private string FilePath => _input.File.Path;

    /// <summary>Reads one pickle.</summary>
    /// <param name="input">Positioned at the pickle; afterwards behind it.</param>
    /// <param name="storages">Gets the storages that the pickle refers to, by key.</param>
    /// <returns>Its value: text, number, <see cref="bool"/>, <see langword="null"/>, list, or one of the Pickle types.</returns>
    /// <exception cref="AlpacaException">The pickle is malformed or uses what weight files do not; names the file.</exception>
    public static object? Read(ByteReader input, Dictionary<string, PickleStorage> storages) => new PickleReader(input, storages).Run();

    private object? Run()
    {
        while (true)
        {
            var opcode = _input.ReadByte();
            switch (opcode)
            {
                case 0x80: _input.ReadByte(); break;                                       // PROTO
                case 0x95: _input.ReadInt64(); break;                                      // FRAME
                case (byte)'.': return Pop();                                              // STOP
                case (byte)'(': Push(Mark); break;                                         // MARK
                case (byte)'N': Push(null); break;                                         // NONE
                case 0x88: Push(true); break;                                              // NEWTRUE
                case 0x89: Push(false); break;                                             // NEWFALSE
                case (byte)'K': Push((long)_input.ReadByte()); break;                      // BININT1
                case (byte)'M': Push((long)_input.ReadUInt16()); break;                    // BININT2
                case (byte)'J': Push((long)_input.ReadInt32()); break;                     // BININT
                case 0x8a: PushLong(); break;                                              // LONG1
                case (byte)'G': Push(ReadDouble()); break;                                 // BINFLOAT
                case (byte)'X': Push(ReadText((uint)_input.ReadInt32())); break;           // BINUNICODE
                case 0x8c: Push(ReadText(_input.ReadByte())); break;                       // SHORT_BINUNICODE
                case (byte)')': Push(new PickleTuple([])); break;                          // EMPTY_TUPLE
                case 0x85: Push(PopTuple(1)); break;                                       // TUPLE1
                case 0x86: Push(PopTuple(2)); break;                                       // TUPLE2
                case 0x87: Push(PopTuple(3)); break;                                       // TUPLE3
                case (byte)'t': Push(new PickleTuple(PopToMark())); break;                 // TUPLE
                case (byte)']': Push(new List<object?>()); break;                          // EMPTY_LIST
                case (byte)'}': Push(new PickleDictionary()); break;                       // EMPTY_DICT
                case (byte)'a': Append([Pop()]); break;                                    // APPEND
                case (byte)'e': Append(PopToMark()); break;                                // APPENDS
                case (byte)'s': SetItems(PopTuple(2).Items); break;                        // SETITEM
                case (byte)'u': SetItems(PopToMark()); break;                              // SETITEMS
                case (byte)'q': _memo[_input.ReadByte()] = Peek(); break;                  // BINPUT
                case (byte)'r': _memo[_input.ReadInt32()] = Peek(); break;                 // LONG_BINPUT
                case 0x94: _memo[_memo.Count] = Peek(); break;                             // MEMOIZE
                case (byte)'h': Push(Recall(_input.ReadByte())); break;                    // BINGET
                case (byte)'j': Push(Recall(_input.ReadInt32())); break;                   // LONG_BINGET
                case (byte)'c': Push(Global(ReadLine(), ReadLine())); break;               // GLOBAL
                case 0x93: PushStackGlobal(); break;                                       // STACK_GLOBAL
                case (byte)'Q': Push(Storage(Pop())); break;                               // BINPERSID
                case (byte)'R': Reduce(); break;                                           // REDUCE
                case (byte)'b': Pop(); break;                                              // BUILD: attributes of a container (state_dict's _metadata) say nothing about weights
                default:
                    throw new AlpacaException(
                        $"{FilePath} is not loaded: its pickle uses instruction 0x{opcode:x2} at byte {_input.Position - 1}, which no weight file needs; save only the state_dict with torch.save.");
            }
        }
    }

    private object Global(string module, string name) => (module, name) switch
    {
        ("collections", "OrderedDict") => PickleFunction.OrderedDictionary,
        ("torch._utils", "_rebuild_tensor_v2") => PickleFunction.RebuildTensor,
        ("torch._utils", "_rebuild_parameter") => PickleFunction.RebuildParameter,
        ("torch", "HalfStorage") => DType.Float16,
        ("torch", "BFloat16Storage") => DType.BFloat16,
        ("torch", "FloatStorage") => DType.Float32,
        ("torch", "DoubleStorage") => DType.Float64,
        ("torch", "CharStorage") => DType.Int8,
        ("torch", "ByteStorage") => DType.UInt8,
        ("torch", "ShortStorage") => DType.Int16,
        ("torch", "IntStorage") => DType.Int32,
        ("torch", "LongStorage") => DType.Int64,
        ("torch", "BoolStorage") => DType.Bool,
        _ => throw new AlpacaException(
            $"{FilePath} is not loaded: its pickle refers to {Printable(module)}.{Printable(name)}, which weights do not need and which could run code; get the file from a source you trust, or save only the state_dict."),
    };

    private void Reduce()
    {
        var arguments = Pop() as PickleTuple ?? throw Malformed();
        Push((Pop(), arguments.Items) switch
        {
            (PickleFunction.OrderedDictionary, []) => new PickleDictionary(),
            (PickleFunction.RebuildTensor, [PickleStorage storage, long offset, PickleTuple shape, PickleTuple strides, ..]) when shape.Items.Length == strides.Items.Length
                => new PickleTensor(storage, offset, Numbers(shape), Numbers(strides)),
            (PickleFunction.RebuildParameter, [PickleTensor tensor, ..]) => tensor,
            _ => throw Malformed(),
        });
    }

    // ('storage', type, key, location, number of elements), in the legacy format with a sixth value: a view of another storage, or None.
    private PickleStorage Storage(object? persistentId)
    {
        if (persistentId is not PickleTuple { Items: ["storage", DType dtype, string key, string, long count, .. var view] } || count < 0 || view is not ([] or [null]))
        {
            throw Malformed();
        }

        if (!_storages.TryGetValue(key, out var storage))
        {
            _storages.Add(key, storage = new PickleStorage(key, dtype, count));
        }

        return storage.DType == dtype && storage.ElementCount == count ? storage : throw Malformed();
    }

    private void PushStackGlobal()
    {
        var name = Pop() as string ?? throw Malformed();
        var module = Pop() as string ?? throw Malformed();
        Push(Global(module, name));
    }

    private void Append(ReadOnlySpan<object?> items)
    {
        if (Peek() is not List<object?> list)
        {
            throw Malformed();
        }

        list.AddRange(items);
    }

    private void SetItems(object?[] items)
    {
        if (Peek() is not PickleDictionary dictionary || items.Length % 2 != 0)
        {
            throw Malformed();
        }

        for (var i = 0; i < items.Length; i += 2)
        {
            dictionary.Items.Add((items[i], items[i + 1]));
        }
    }

    private long[] Numbers(PickleTuple tuple) =>
        tuple.Items.Length <= MaxRank ? [.. tuple.Items.Select(item => item is long number ? number : throw Malformed())] : throw Malformed();

    // Only the legacy format's magic number does not fit into 64 bits, and nobody asks for its value.
    private void PushLong()
    {
        var number = new BigInteger(_input.ReadBytes(_input.ReadByte()));
        Push(number >= long.MinValue && number <= long.MaxValue ? (object)(long)number : number);
    }

    private double ReadDouble() => BinaryPrimitives.ReadDoubleBigEndian(_input.ReadBytes(8));

    private string ReadText(long length) => Encoding.UTF8.GetString(_input.ReadBytes(length));

    private string ReadLine()
    {
        var line = new StringBuilder();
        for (var c = _input.ReadByte(); c != (byte)'\n'; c = _input.ReadByte())
        {
            line.Append((char)c);
        }

        return line.ToString();
    }

    private void Push(object? value) => _stack.Add(value);

    private object? Peek() => _stack is [.., var top] && top != Mark ? top : throw Malformed();

    private object? Pop()
    {
        var top = Peek();
        _stack.RemoveAt(_stack.Count - 1);
        return top;
    }

    private PickleTuple PopTuple(int count)
    {
        var items = new object?[count];
        for (var i = count - 1; i >= 0; i--)
        {
            items[i] = Pop();
        }

        return new PickleTuple(items);
    }

    private object?[] PopToMark()
    {
        var mark = _stack.LastIndexOf(Mark);
        if (mark < 0)
        {
            throw Malformed();
        }

        var items = _stack.GetRange(mark + 1, _stack.Count - mark - 1).ToArray();
        _stack.RemoveRange(mark, _stack.Count - mark);
        return items;
    }

    private object? Recall(int index) => _memo.TryGetValue(index, out var value) ? value : throw Malformed();

    private static string Printable(string text) => string.Concat(text.Take(60).Select(c => c is > ' ' and < '\x7f' ? c : '?'));

    private AlpacaException Malformed() => new($"{FilePath} is damaged: its pickle makes no sense near byte {_input.Position}; get it again.");
}
