using System.Buffers.Binary;
using System.Numerics;
using System.Runtime.InteropServices;
using System.Text;
using Alpaca.Abstractions;

namespace Alpaca.Formats;

/// <summary>Reads the pickles inside PyTorch's weight files.</summary>
/// <remarks>
/// <para>A pickle is a program for a stack machine that can call anything importable. This machine has only the instructions that weight files use and knows only the
/// names in <see cref="Global"/>; anything else ends the reading with an error, and nothing is ever called.</para>
/// <para>Instructions: https://docs.python.org/3/library/pickletools.html, protocols 2 to 4. Every instruction takes constant time and at most 64 bytes, or time and
/// memory in proportion to what it takes off the stack; values are never walked, so it does not matter how they contain each other.</para>
/// </remarks>
internal sealed class PickleReader
{
    /// <summary>The longest pickle that is read: 300 bytes a tensor, for 30,000 of them.</summary>
    public const long MaxLength = 8 << 20;

    // Longer than any name that may be imported, and than any key of a storage, which is a number.
    private const int MaxWord = 256;

    // What the instruction MARK leaves on the stack.
    private static readonly object Mark = new();

    private static readonly object True = true, False = false;
    private static readonly object[] SmallNumbers = [.. Enumerable.Range(0, 256).Select(i => (object)(long)i)];

    private readonly ByteReader _input;
    private readonly long _end;
    private readonly List<object?> _stack = [];
    private readonly PickleMemo _memo = new();
    private readonly Dictionary<string, PickleStorage> _storages;

    private PickleReader(ByteReader input, Dictionary<string, PickleStorage> storages)
    {
        _input = input;
        _end = input.Position + MaxLength;
        _storages = storages;
    }

    private string FilePath => _input.File.Path;

    /// <summary>Reads one pickle.</summary>
    /// <param name="input">Positioned at the pickle; afterwards behind it.</param>
    /// <param name="storages">Gets the storages that the pickle refers to, by key.</param>
    /// <returns>Its value: text, number, <see cref="bool"/>, <see langword="null"/>, or one of the Pickle types.</returns>
    /// <exception cref="AlpacaException">The pickle is malformed or uses what weight files do not; names the file.</exception>
    public static object? Read(ByteReader input, Dictionary<string, PickleStorage> storages) => new PickleReader(input, storages).Run();

    private object? Run()
    {
        while (true)
        {
            ThrowIfBeyond(0);
            var opcode = _input.ReadByte();
            switch (opcode)
            {
                case 0x80: _input.ReadByte(); break;                                       // PROTO
                case 0x95: _input.ReadInt64(); break;                                      // FRAME
                case (byte)'.': return Pop();                                              // STOP
                case (byte)'(': Push(Mark); break;                                         // MARK
                case (byte)'N': Push(null); break;                                         // NONE
                case 0x88: Push(True); break;                                              // NEWTRUE
                case 0x89: Push(False); break;                                             // NEWFALSE
                case (byte)'K': Push(SmallNumbers[_input.ReadByte()]); break;              // BININT1
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
                case (byte)']': Push(new PickleList()); break;                             // EMPTY_LIST
                case (byte)'}': Push(new PickleDictionary()); break;                       // EMPTY_DICT
                case (byte)'a': Append(); break;                                           // APPEND
                case (byte)'e': Append(PopToMark()); break;                                // APPENDS
                case (byte)'s': SetItem(); break;                                          // SETITEM
                case (byte)'u': SetItems(PopToMark()); break;                              // SETITEMS
                case (byte)'q': _memo.Put(_input.ReadByte(), Peek()); break;               // BINPUT
                case (byte)'r': _memo.Put(_input.ReadInt32(), Peek()); break;              // LONG_BINPUT
                case 0x94: _memo.Put(_memo.Count, Peek()); break;                          // MEMOIZE
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
            $"{FilePath} is not loaded: its pickle refers to {Printable.Of(module)}.{Printable.Of(name)}, which weights do not need and which could run code; get the file from a source you trust, or save only the state_dict."),
    };

    private void Reduce()
    {
        var arguments = Pop() as PickleTuple ?? throw Malformed();
        Push((Pop(), arguments.Items) switch
        {
            (PickleFunction.OrderedDictionary, []) => new PickleDictionary(),
            (PickleFunction.RebuildTensor, [PickleStorage storage, long offset, PickleTuple { Numbers: { } shape }, PickleTuple { Numbers: { } strides }, ..]) when shape.Length == strides.Length
                => new PickleTensor(storage, offset, shape, strides),
            (PickleFunction.RebuildParameter, [PickleTensor tensor, ..]) => tensor,
            _ => throw Malformed(),
        });
    }

    // ('storage', type, key, location, number of elements), in the legacy format with a sixth value: a view of another storage, or None.
    private PickleStorage Storage(object? persistentId)
    {
        if (persistentId is not PickleTuple { Items: ["storage", DType dtype, string { Length: <= MaxWord } key, string, long count, .. var view] } || count < 0 || view is not ([] or [null]))
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

    private void Append()
    {
        var item = Pop();
        Top<PickleList>().Add(item);
    }

    private void Append(object?[] items)
    {
        var list = Top<PickleList>();
        foreach (var item in items)
        {
            list.Add(item);
        }
    }

    private void SetItem()
    {
        var value = Pop();
        var key = Pop();
        Top<PickleDictionary>().Add(key, value);
    }

    private void SetItems(object?[] items)
    {
        var dictionary = Top<PickleDictionary>();
        if (items.Length % 2 != 0)
        {
            throw Malformed();
        }

        for (var i = 0; i < items.Length; i += 2)
        {
            dictionary.Add(items[i], items[i + 1]);
        }
    }

    // Only the legacy format's magic number does not fit into 64 bits, and nobody asks for its value.
    private void PushLong()
    {
        var number = new BigInteger(_input.ReadBytes(_input.ReadByte()));
        Push(number >= long.MinValue && number <= long.MaxValue ? (object)(long)number : number);
    }

    private double ReadDouble() => BinaryPrimitives.ReadDoubleBigEndian(_input.ReadBytes(8));

    private string ReadText(long length)
    {
        if (length <= _input.Remaining)
        {
            ThrowIfBeyond(length);
        }

        return Encoding.UTF8.GetString(_input.ReadBytes(length));
    }

    private string ReadLine()
    {
        var line = new StringBuilder();
        for (var c = _input.ReadByte(); c != (byte)'\n'; c = _input.ReadByte())
        {
            line.Append(line.Length < MaxWord ? (char)c : throw Malformed());
        }

        return line.ToString();
    }

    // In the legacy format nothing says how long a pickle is; it could go on to the end of a file of any size.
    private void ThrowIfBeyond(long length)
    {
        if (_input.Position + length > _end)
        {
            throw new AlpacaException($"{FilePath} is not loaded: its pickle is longer than {MaxLength} bytes, which no weights need; save only the state_dict with torch.save.");
        }
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
        // What is searched here is taken off below, so that all searches together take no longer than the pushes.
        var mark = _stack.FindLastIndex(static item => ReferenceEquals(item, Mark));
        if (mark < 0)
        {
            throw Malformed();
        }

        var items = CollectionsMarshal.AsSpan(_stack)[(mark + 1)..].ToArray();
        _stack.RemoveRange(mark, _stack.Count - mark);
        return items;
    }

    private T Top<T>() where T : class => Peek() as T ?? throw Malformed();

    private object? Recall(int index) => _memo.TryGet(index, out var value) ? value : throw Malformed();

    private AlpacaException Malformed() => new($"{FilePath} is damaged: its pickle makes no sense near byte {_input.Position}; get it again.");
}
