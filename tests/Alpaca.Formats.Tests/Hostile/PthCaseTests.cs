using System.IO.Compression;
using Alpaca.Abstractions;

namespace Alpaca.Formats.Tests.Hostile;

/// <summary>What is known to have been tried against readers of PyTorch checkpoints, case by case.</summary>
public sealed class PthCaseTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    private string FilePath => _folder.Combine("hostile.pth");

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData(0, new long[] { 25 }, new long[] { 1 }, "*reaches beyond the 24 elements*")]
    [InlineData(20, new long[] { 5 }, new long[] { 1 }, "*reaches beyond*")]
    [InlineData(-1, new long[] { 2 }, new long[] { 1 }, "*reaches beyond*")]
    [InlineData(long.MaxValue, new long[] { 2 }, new long[] { 1 }, "*reaches beyond*")]
    [InlineData(0, new long[] { 4, 6 }, new long[] { long.MaxValue, 1 }, "*reaches beyond*")]
    [InlineData(0, new long[] { 3, 3 }, new long[] { 1L << 62, 1L << 62 }, "*reaches beyond*")]
    [InlineData(23, new long[] { 4 }, new long[] { -1 }, "*strides are [-1]*")]
    [InlineData(0, new long[] { -4 }, new long[] { 1 }, "*shape is [-4]*")]
    [InlineData(0, new long[] { -4, -6 }, new long[] { 6, 1 }, "*shape is [-4, -6]*")]
    [InlineData(0, new long[] { 1L << 32, 1L << 32 }, new long[] { 0, 0 }, "*shape is*")]
    [InlineData(0, new long[] { 1L << 62, 2 }, new long[] { 0, 0 }, "*shape is*")]
    [InlineData(0, new long[] { 1L << 61 }, new long[] { 0 }, "*shape is*")] // fits, but not in bytes
    [InlineData(0, new long[] { 0, long.MaxValue, 3 }, new long[] { 1, 1, 1 }, "*shape is*")]
    [InlineData(0, new long[] { 4, 6 }, new long[] { 1 }, "*makes no sense*")]
    public void Open_ViewOutsideItsStorage_IsRefused(long offset, long[] shape, long[] strides, string message) =>
        Refuse(PthMutations.Wrap(Pickle.Dictionary(("w", Pickle.Tensor(24, offset, shape, strides)))), message);

    [Fact]
    public void Open_StorageShorterThanItSays_IsRefused()
    {
        Refuse(PthMutations.Wrap(Pickle.Dictionary(("w", Pickle.Tensor(25, 0, [25], [1])))), "*x/data/0 has 96 bytes, too few for 25*");
        Refuse(PthMutations.Wrap(Pickle.Dictionary(("w", Pickle.Tensor(1L << 62, 0, [1], [1])))), "*too few*");
        Refuse(PthMutations.Legacy(Pickle.Dictionary(("w", Pickle.Tensor(Pickle.Storage("0", "FloatStorage", 1L << 62, isLegacy: true), 0, [1], [1]))), ("0", new byte[96], 1L << 62)), "*cut short or damaged*");
    }

    [Fact]
    public void Read_ATensorOfNothing_GivesNothing()
    {
        File.WriteAllBytes(FilePath, PthMutations.Wrap(Pickle.Dictionary(("w", Pickle.Tensor(24, long.MaxValue, [3, 0, 7], [-5, long.MaxValue, 1])))));

        using var source = TensorSource.Open(FilePath);

        source.Tensors.Should().ContainSingle().Which.ByteLength.Should().Be(0);
        source.ReadBytes(source.Tensors[0]).Should().BeEmpty();
        source.Invoking(s => s.Read(s.Tensors[0], 0, new byte[4])).Should().Throw<ArgumentOutOfRangeException>();
    }

    [Fact]
    public void Open_SixtyFourDimensions_AreReadAndSixtyFiveRefused()
    {
        File.WriteAllBytes(FilePath, PthMutations.Wrap(Pickle.Dictionary(("w", Pickle.Tensor(24, 0, [2, .. Ones(62), 3], [1, .. Enumerable.Repeat(long.MaxValue, 62), 2])))));
        using (var source = TensorSource.Open(FilePath))
        {
            source.ReadBytes(source.Tensors[0]).Where((_, i) => i % 4 == 0).Should().Equal(0, 8, 16, 4, 12, 20);
        }

        Refuse(PthMutations.Wrap(Pickle.Dictionary(("w", Pickle.Tensor(24, 0, Ones(65), Ones(65))))), "*makes no sense*");

        static long[] Ones(int count) => [.. Enumerable.Repeat(1L, count)];
    }

    [Theory]
    [InlineData("os", "system")]
    [InlineData("posix", "system")]
    [InlineData("nt", "system")]
    [InlineData("subprocess", "Popen")]
    [InlineData("builtins", "eval")]
    [InlineData("builtins", "exec")]
    [InlineData("builtins", "getattr")]
    [InlineData("__builtin__", "eval")]
    [InlineData("torch._utils", "_rebuild_tensor_v2.__globals__")]
    [InlineData("torch._utils", "_rebuild_tensor")]
    [InlineData("torch.storage", "_load_from_bytes")]
    [InlineData("torch", "HalfStorage.__reduce__")]
    [InlineData("collections", "OrderedDict.__init__")]
    [InlineData("", "")]
    public void Open_NamesThatCouldRunCode_AreRefusedByName(string module, string name)
    {
        var arguments = (byte[][])[Pickle.Mark, Pickle.Text("touch " + _folder.Combine("ran")), Pickle.Tuple, Pickle.Reduce];
        var byOpcode = Pickle.Program([Pickle.Proto, Pickle.EmptyDictionary, Pickle.Text("w"), Pickle.Global(module, name), .. arguments, Pickle.SetItem, Pickle.Stop]);
        var byStack = Pickle.Program([Pickle.Proto, Pickle.EmptyDictionary, Pickle.Text("w"), Pickle.Text(module), Pickle.Text(name), [0x93], .. arguments, Pickle.SetItem, Pickle.Stop]);

        foreach (var pickle in (byte[][])[byOpcode, byStack])
        {
            Refuse(PthMutations.Wrap([pickle]), $"*is not loaded: its pickle refers to {module}.{name}, which*");
            Refuse(PthMutations.Legacy([pickle]), $"*is not loaded: its pickle refers to {module}.{name}, which*");
        }

        File.Exists(_folder.Combine("ran")).Should().BeFalse();
    }

    [Theory]
    [InlineData((byte)'i')] // INST
    [InlineData((byte)'o')] // OBJ
    [InlineData((byte)0x81)] // NEWOBJ
    [InlineData((byte)0x92)] // NEWOBJ_EX
    [InlineData((byte)0x82)] // EXT1
    [InlineData((byte)0x83)] // EXT2
    [InlineData((byte)0x84)] // EXT4
    [InlineData((byte)'P')] // PERSID
    [InlineData((byte)0x97)] // NEXT_BUFFER
    public void Open_InstructionsThatMakeObjects_AreRefused(byte opcode) =>
        Refuse(PthMutations.Wrap([Pickle.Proto, Pickle.EmptyDictionary, Pickle.Mark, Pickle.Global("collections", "OrderedDict"), Pickle.EmptyTuple, [opcode], "os\nsystem\n"u8.ToArray(), Pickle.Stop]),
            $"*instruction 0x{opcode:x2}*");

    [Fact]
    public void Open_CallsOfWhatIsNoFunction_AreDamaged()
    {
        foreach (var callee in (byte[][])[Pickle.Text("os.system"), Pickle.EmptyDictionary, Pickle.Global("torch", "HalfStorage"), Pickle.Number(1), [(byte)'N']])
        {
            Refuse(PthMutations.Wrap([Pickle.Proto, callee, Pickle.Mark, Pickle.Text("id"), Pickle.Tuple, Pickle.Reduce, Pickle.Stop]), "*makes no sense*");
        }
    }

    [Fact]
    public void Open_TheSameNameTwice_IsDamaged() =>
        Refuse(PthMutations.Wrap(Pickle.Dictionary(("w", Pickle.Tensor(24, 0, [2], [1])), ("w", Pickle.Tensor(24, 0, [3], [1])))), "*tensor w twice*");

    [Fact]
    public void Open_NamesWithControlCharacters_AreShownWithoutThem()
    {
        Refuse(PthMutations.Wrap(Pickle.Dictionary(("a\u001b[2J\nb" + new string('x', 10_000), Pickle.Tensor(24, -1, [2], [1])))), "*a?[2J?bxxx*");

        FluentActions.Invoking(() => TensorSource.Open(FilePath)).Should().Throw<AlpacaException>().Which.Message.Length.Should().BeLessThan(500);
    }

    [Theory]
    [InlineData("../../etc/passwd")]
    [InlineData("/etc/passwd")]
    [InlineData("..\\0")]
    public void Open_StoragesNamedLikePaths_AreLookedForInTheFileAlone(string key) =>
        Refuse(PthMutations.Wrap(Pickle.Dictionary(("w", Pickle.Tensor(Pickle.Storage(key, "FloatStorage", 1), 0, [1], [1])))), $"*it lacks x/data/{key}*");

    [Fact]
    public void Open_ZipBomb_IsRefusedUnread()
    {
        using (var zip = new ZipArchive(File.Create(FilePath), ZipArchiveMode.Create))
        {
            using (var stream = zip.CreateEntry("x/data.pkl", CompressionLevel.NoCompression).Open())
            {
                stream.Write(Pickle.Program(Pickle.Dictionary(("w", Pickle.Tensor(1 << 22, 0, [1 << 22], [1])))));
            }

            using (var stream = zip.CreateEntry("x/data/0", CompressionLevel.SmallestSize).Open())
            {
                stream.Write(new byte[16 << 20]);
            }
        }

        new FileInfo(FilePath).Length.Should().BeLessThan(40_000);
        var before = GC.GetAllocatedBytesForCurrentThread();
        FluentActions.Invoking(() => TensorSource.Open(FilePath)).Should().Throw<AlpacaException>().WithMessage("*hostile.pth holds x/data/0 compressed*");
        (GC.GetAllocatedBytesForCurrentThread() - before).Should().BeLessThan(1 << 20);
    }

    [Fact]
    public void Open_CompressedByTheLocalHeaderAlone_IsRefused()
    {
        var data = new ZipMember("x/data.pkl", Pickle.Program(PthMutations.Sound(isLegacy: false)));

        Refuse(new Zip(data with { LocalMethod = 8 }).ToArray(), "*holds x/data.pkl compressed*");
        Refuse(new Zip(data with { Flags = 1 }).ToArray(), "*encrypted*");
        Refuse(new Zip(data with { Length = 1 << 20, Packed = 100 }).ToArray(), "*lies outside*");
    }

    [Fact]
    public void Open_MembersThatShareTheirBytes_AreRefused()
    {
        var data = new ZipMember("x/data.pkl", Pickle.Program(PthMutations.Sound(isLegacy: false)));
        var storage = new ZipMember("x/data/0", new byte[96]);

        Refuse(new Zip(data, storage, new ZipMember("x/data/1", [1, 2, 3, 4]) { HeaderOffset = 0 }).ToArray(), "*overlap*");
        Refuse(new Zip(data, storage with { Length = 120 }, new ZipMember("x/data/1", [1, 2, 3, 4])).ToArray(), "*overlap*");
        Refuse(new Zip(data, new ZipMember("x/data/1", [1, 2, 3, 4]), storage with { Length = 97 }).ToArray(), "*overlap*");
    }

    [Theory]
    [InlineData(-1L)]
    [InlineData(long.MaxValue)]
    [InlineData(long.MinValue)]
    [InlineData(1L << 40)]
    public void Open_Zip64FieldsOutsideTheFile_AreRefused(long number)
    {
        var data = new ZipMember("x/data.pkl", Pickle.Program(PthMutations.Sound(isLegacy: false)));

        Refuse(new Zip(data with { IsZip64 = true, Length = number }).ToArray(), "*outside the file*");
        Refuse(new Zip(data with { IsZip64 = true, HeaderOffset = number }).ToArray(), "*outside the file*");
        Refuse(new Zip(data) { IsZip64 = true, DirectoryOffset = number }.ToArray(), "*outside the file*");
        Refuse(new Zip(data) { IsZip64 = true, DirectoryLength = number }.ToArray(), "*outside the file*");
    }

    [Theory]
    [InlineData(1, "*more members than it counts*")]
    [InlineData(3, "*directory is malformed*")]
    [InlineData(65_535, "*directory is malformed*")]
    public void Open_WrongNumberOfMembers_IsRefused(int count, string message) =>
        Refuse(new Zip(new ZipMember("x/data.pkl", Pickle.Program(PthMutations.Sound(isLegacy: false))), new ZipMember("x/version", [])) { Count = count }.ToArray(), message);

    [Fact]
    public void Open_CommentWithAnEndInIt_TakesTheLastEnd()
    {
        var data = new ZipMember("x/data.pkl", Pickle.Program(PthMutations.Sound(isLegacy: false)));
        var hidden = new Zip(new ZipMember("y/data.pkl", [1, 2, 3])).ToArray();

        // The comment is a zip file of its own whose offsets do not fit where it lies.
        Refuse(new Zip(data) { Comment = hidden }.ToArray(), "*hostile.pth*");
        Refuse(new Zip(data) { Comment = [.. new byte[65_536]] }.ToArray()[..^1], "*its end is missing*");
    }

    [Fact]
    public void Open_DirectoryOrNothing_IsRefused()
    {
        Refuse([], "*is empty*");
        Refuse("PK\u0003\u0004"u8.ToArray(), "*end is missing*");
        Refuse(LegacyPthFile.Signature.ToArray(), "*cut short*");
        FluentActions.Invoking(() => PthFile.Open(_folder.Path)).Should().Throw<AlpacaException>().WithMessage($"*{_folder.Path} cannot be opened*");
        FluentActions.Invoking(() => TensorSource.OpenFile(_folder.Path)).Should().Throw<AlpacaException>().WithMessage($"*{_folder.Path} is a folder*");
    }

    [Theory]
    [InlineData("whole")]
    [InlineData("transposed")]
    [InlineData("sliced")]
    [InlineData("expanded")]
    public void Read_FileCutShortWhileOpen_SaysSo(string name)
    {
        File.WriteAllBytes(FilePath, PthMutations.Legacy(PthMutations.Sound(isLegacy: true), ("0", new byte[96], 24), ("1", new byte[4], 2)));
        using var source = TensorSource.Open(FilePath);
        using (var file = new FileStream(FilePath, FileMode.Open, FileAccess.Write, FileShare.ReadWrite))
        {
            file.SetLength(file.Length - 100);
        }

        source.Invoking(s => s.ReadBytes(s.Find(name)!)).Should().Throw<AlpacaException>().WithMessage("*hostile.pth ends at byte*cut short*");
    }

    private void Refuse(byte[] file, string message)
    {
        File.WriteAllBytes(FilePath, file);
        FluentActions.Invoking(() => TensorSource.OpenFile(FilePath)).Should().Throw<AlpacaException>().WithMessage(message).WithMessage("*hostile.pth*").Which.Message.Should().NotMatchRegex(@"\p{C}");
    }
}
