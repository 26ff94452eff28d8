namespace Alpaca.Formats.Tests.Hostile;

/// <summary>Damaged PyTorch checkpoints: as bytes, as pickle instructions, and as zip files whose parts do not agree.</summary>
internal static class PthMutations
{
    private static readonly long[] Extremes = [0, 1, -1, 3, 64, 255, int.MaxValue, 1L << 31, 1L << 32, 1L << 61, 1L << 62, long.MaxValue, long.MinValue];

    // What a pickle may name, and what it may not.
    private static readonly (string Module, string Name)[] Globals =
    [
        ("os", "system"), ("posix", "system"), ("builtins", "eval"), ("builtins", "exec"), ("torch._utils", "_rebuild_tensor_v2.__globals__"), ("torch._utils", "_rebuild_parameter"),
        ("torch.storage", "_load_from_bytes"), ("collections", "OrderedDict"), ("torch", "HalfStorage"), ("torch", "BoolStorage"), ("", ""), ("nt", "system"),
    ];

    private static readonly byte[][] ZipFiles =
    [
        File.ReadAllBytes(Fixture.Path("values.pth")), File.ReadAllBytes(Fixture.Path("values-protocol4.pth")), File.ReadAllBytes(Fixture.Path("state-dict.pth")),
        File.ReadAllBytes(Fixture.Path("evil.pth")), Written(), Wrap(Sound(isLegacy: false)),
    ];

    private static readonly byte[][] LegacyFiles = [File.ReadAllBytes(Fixture.Path("values-legacy.pth")), Legacy(Sound(isLegacy: true))];

    public static byte[] ZipBytes(Random random) => Mutation.Of(Any(ZipFiles, random), Any(ZipFiles, random), random);

    public static byte[] LegacyBytes(Random random) => Mutation.Of(Any(LegacyFiles, random), Any(LegacyFiles, random), random);

    /// <summary>A sound frame around a pickle with changed instructions.</summary>
    public static byte[] Pickles(Random random)
    {
        var isLegacy = random.Next(2) == 0;
        var instructions = Sound(isLegacy).ToList();
        for (var n = random.Next(1, 4); n > 0; n--)
        {
            Change(instructions, random);
        }

        return isLegacy ? Legacy(instructions) : Wrap(instructions);
    }

    /// <summary>A zip file with one or two lies.</summary>
    public static byte[] Zips(Random random)
    {
        var data = Pickle.Program(Sound(isLegacy: false));
        List<ZipMember> members = [new("x/data.pkl", data), new("x/data/0", new byte[96]), new("x/data/1", [1, 2, 3, 4]), new("x/version", "3\n"u8.ToArray())];
        var zip = new Zip(members) { IsZip64 = random.Next(2) == 0 };
        for (var n = random.Next(1, 3); n > 0; n--)
        {
            var i = random.Next(members.Count);
            var number = random.Next(3) == 0 ? random.Next(600) : Extremes[random.Next(Extremes.Length)];
            switch (random.Next(12))
            {
                case 0: zip = zip with { Count = (int)Math.Clamp(number, int.MinValue, int.MaxValue) }; break;
                case 1: zip = zip with { DirectoryOffset = number }; break;
                case 2: zip = zip with { DirectoryLength = number }; break;
                case 3: zip = zip with { Comment = [.. data, .. "PK\u0005\u0006"u8, .. new byte[random.Next(40)]] }; break;
                case 4: members[i] = members[i] with { Length = number }; break;
                case 5: members[i] = members[i] with { Packed = number }; break;
                case 6: members[i] = members[i] with { HeaderOffset = number, IsZip64 = random.Next(2) == 0 }; break;
                case 7: members[i] = members[i] with { Method = (ushort)random.Next(10), LocalMethod = (ushort)random.Next(10) }; break;
                case 8: members[i] = members[i] with { Flags = (ushort)random.Next(0x1000) }; break;
                case 9: members[i] = members[i] with { Name = Any(["../../etc/passwd", "/etc/passwd", "x/data.pkl", "x/data/0", "", "x/../data/0", "x\\data\\0", "\ud800"], random) }; break;
                case 10: members.Add(members[i] with { Name = Any([members[i].Name, "y/data.pkl", "x/data/2"], random) }); break;
                default: members.RemoveAt(i); members.Add(new ZipMember("z", [])); break;
            }
        }

        return zip.ToArray();
    }

    /// <summary>A zip checkpoint around a pickle; it has the storages that <see cref="Sound"/> refers to.</summary>
    public static byte[] Wrap(IEnumerable<byte[]> pickle) =>
        Zip.Of(("x/data.pkl", Pickle.Program(pickle)), ("x/data/0", [.. Enumerable.Range(0, 96).Select(i => (byte)i)]), ("x/data/1", [1, 2, 3, 4]), ("x/version", "3\n"u8.ToArray()));

    /// <summary>A legacy checkpoint around a pickle.</summary>
    public static byte[] Legacy(IEnumerable<byte[]> pickle, params (string Key, byte[] Data, long Count)[] storages)
    {
        storages = storages.Length > 0 ? storages : [("0", [.. Enumerable.Range(0, 96).Select(i => (byte)i)], 24), ("1", [1, 2, 3, 4], 2)];
        return
        [
            .. LegacyPthFile.Signature, (byte)'.', .. Pickle.Program(Pickle.Proto, Pickle.Number(1001), Pickle.Stop), .. Pickle.Program(Pickle.Proto, Pickle.EmptyDictionary, Pickle.Stop),
            .. Pickle.Program(pickle), .. Pickle.Program([Pickle.Proto, Pickle.EmptyList, .. storages.SelectMany(s => (byte[][])[Pickle.Text(s.Key), Pickle.Append]), Pickle.Stop]),
            .. storages.SelectMany(s => (byte[])[.. BitConverter.GetBytes(s.Count), .. s.Data]),
        ];
    }

    /// <summary>A dictionary of every layout: contiguous, transposed, sliced, expanded, shared, scalar, empty, and things that are no tensors.</summary>
    public static IEnumerable<byte[]> Sound(bool isLegacy)
    {
        var storage = (IEnumerable<byte[]>)[.. Pickle.Storage("0", "FloatStorage", 24, isLegacy), Pickle.Put(7)];
        var again = (IEnumerable<byte[]>)[Pickle.Get(7)];
        return Pickle.Dictionary(
            ("whole", Pickle.Tensor(storage, 0, [4, 6], [6, 1])), ("transposed", Pickle.Tensor(again, 0, [6, 4], [1, 6])), ("sliced", Pickle.Tensor(again, 7, [2, 2], [6, 2])),
            ("expanded", Pickle.Tensor(again, 3, [5, 3], [0, 1])), ("scalar", Pickle.Tensor(again, 23, [], [])), ("empty", Pickle.Tensor(again, 24, [0, 6], [6, 1])),
            ("deep", Pickle.Tensor(again, 0, [2, 1, 2, 1, 3, 2], [12, 1, 6, 5, 2, 1])), ("half", Pickle.Tensor(Pickle.Storage("1", "HalfStorage", 2, isLegacy), 0, [2], [1])),
            ("step", [Pickle.Number(1000)]), ("names", [Pickle.EmptyList, Pickle.Text("a"), Pickle.Append]));
    }

    private static void Change(List<byte[]> instructions, Random random)
    {
        var at = random.Next(instructions.Count);
        switch (random.Next(16))
        {
            case 0: instructions.RemoveAt(at); break;
            case 1: instructions.Insert(at, instructions[at]); break;
            case 2: instructions.Insert(at, instructions[random.Next(instructions.Count)]); break;
            case 3: (instructions[at], instructions[random.Next(instructions.Count)]) = (instructions[random.Next(instructions.Count)], instructions[at]); break;
            case 4: instructions.Insert(at, [(byte)random.Next(256)]); break;
            case 5: instructions.Insert(at, Pickle.Get(random.Next(9))); break;
            case 6:
                var (module, name) = Globals[random.Next(Globals.Length)];
                instructions[at] = Pickle.Global(module, name);
                break;
            default:
                var numbers = Enumerable.Range(0, instructions.Count).Where(i => instructions[i][0] is (byte)'J' or 0x8a).ToList();
                if (numbers.Count > 0)
                {
                    instructions[numbers[random.Next(numbers.Count)]] = Pickle.Number(random.Next(2) == 0 ? random.Next(-2, 30) : Extremes[random.Next(Extremes.Length)]);
                }

                break;
        }
    }

    private static T Any<T>(T[] items, Random random) => items[random.Next(items.Length)];

    private static byte[] Written()
    {
        using var folder = new TemporaryFolder();
        var path = folder.Combine("written.pth");
        TensorInfo[] tensors = [new("a.weight", DType.BFloat16, [3, 5]), new("b", DType.Int64, []), new("c", DType.Float32, [0, 2]), new("d", DType.Bool, [9])];
        using (var writer = new PthWriter(path, tensors))
        {
            foreach (var tensor in tensors)
            {
                writer.Write(tensor.Name, 0, new byte[tensor.ByteLength]);
            }

            writer.Complete();
        }

        return File.ReadAllBytes(path);
    }
}
