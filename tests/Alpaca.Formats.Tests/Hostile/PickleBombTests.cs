using Alpaca.Abstractions;

namespace Alpaca.Formats.Tests.Hostile;

/// <summary>Pickles of half a megabyte that would unfold into much more, in memory or in time.</summary>
public sealed class PickleBombTests : IDisposable
{
    private const int Size = 1 << 19;

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("lists", new byte[] { (byte)']' })]
    [InlineData("dictionaries", new byte[] { (byte)'}' })]
    [InlineData("tuples", new byte[] { (byte)')' })]
    [InlineData("tuples in tuples", new byte[] { 0x85 })]
    [InlineData("tuples of themselves twice", new byte[] { (byte)'q', 0, (byte)'h', 0, 0x86 })]
    [InlineData("lists of themselves", new byte[] { (byte)']', (byte)'q', 0, (byte)'h', 0, (byte)'a' })]
    [InlineData("lists in lists", new byte[] { (byte)']', (byte)']', (byte)'a' })]
    [InlineData("dictionaries of nothing", new byte[] { (byte)'}', (byte)'N', (byte)'N', (byte)'s' })]
    [InlineData("marks", new byte[] { (byte)'(' })]
    [InlineData("truths", new byte[] { 0x88 })]
    [InlineData("small numbers", new byte[] { (byte)'K', 7 })]
    [InlineData("numbers", new byte[] { (byte)'M', 7, 7 })]
    [InlineData("long numbers", new byte[] { 0x8a, 1, 7 })]
    [InlineData("empty texts", new byte[] { 0x8c, 0 })]
    [InlineData("memo of protocol 4", new byte[] { 0x94 })]
    [InlineData("one place of the memo", new byte[] { (byte)'q', 0 })]
    [InlineData("recalls", new byte[] { (byte)'h', 0 })]
    [InlineData("functions", new byte[] { (byte)'c', (byte)'t', (byte)'o', (byte)'r', (byte)'c', (byte)'h', (byte)'\n', (byte)'I', (byte)'n', (byte)'t', (byte)'S', (byte)'t', (byte)'o', (byte)'r', (byte)'a', (byte)'g', (byte)'e', (byte)'\n' })]
    public void Open_OneInstructionOverAndOver_StaysInBounds(string what, byte[] repeated)
    {
        var count = Size / repeated.Length;

        Refuse(what, [Pickle.Proto, Pickle.EmptyTuple, Pickle.Put(0), .. Enumerable.Repeat(repeated, count), Pickle.EmptyDictionary, Pickle.Stop], "*holds no tensors*");
    }

    [Fact]
    public void Open_MemoWithFarPlaces_StaysInBounds() =>
        Refuse("memo", [Pickle.Proto, .. Enumerable.Range(0, Size / 6).SelectMany(i => (byte[][])[[(byte)'N'], Pickle.Put(int.MaxValue - (i * 17))]), Pickle.EmptyDictionary, Pickle.Stop], "*holds no tensors*");

    [Fact]
    public void Open_DictionariesMadeByCalls_StaysInBounds() =>
        Refuse("calls", [Pickle.Proto, Pickle.Global("collections", "OrderedDict"), Pickle.Put(0), .. Repeat(Size / 4, Pickle.Get(0), Pickle.EmptyTuple, Pickle.Reduce), Pickle.EmptyDictionary, Pickle.Stop],
            "*holds no tensors*");

    [Fact]
    public void Open_ATensorOfManyDimensionsOverAndOver_StaysInBounds()
    {
        // Each call is five bytes long and has a shape and strides of 64 numbers.
        var ones = Enumerable.Repeat(1L, 64).ToArray();
        Refuse("dimensions",
            [
                Pickle.Proto, Pickle.Global("torch._utils", "_rebuild_tensor_v2"), Pickle.Put(1), Pickle.Mark, .. Pickle.Storage("0", "FloatStorage", 24), Pickle.Number(0), .. Pickle.Numbers(ones),
                .. Pickle.Numbers(ones), Pickle.Tuple, Pickle.Put(0), .. Repeat(Size / 5, Pickle.Get(1), Pickle.Get(0), Pickle.Reduce), Pickle.EmptyDictionary, Pickle.Stop,
            ],
            "*holds no tensors*");
    }

    [Fact]
    public void Open_AStorageWithALongKeyOverAndOver_StaysInBounds()
    {
        // Each look-up is three bytes long and would hash the whole key.
        var id = (IEnumerable<byte[]>)[Pickle.Mark, Pickle.Text("storage"), Pickle.Global("torch", "FloatStorage"), Pickle.Text(new string('k', Size / 2)), Pickle.Text("cpu"), Pickle.Number(1), Pickle.Tuple, Pickle.Put(0)];

        Refuse("keys", [Pickle.Proto, .. id, .. Repeat(Size / 6, Pickle.Get(0), Pickle.PersistentId), Pickle.EmptyDictionary, Pickle.Stop], "*");
    }

    [Fact]
    public void Open_TensorsOfOneStorageUnderALongFolder_StaysInBounds()
    {
        // The name of the storage's member is 60,000 characters long; it must not be made anew for each tensor.
        var folder = new string('f', 60_000);
        var pickle = Pickle.Program(ManyTensors(2000, 1, [0], [1]));

        Run("members", Zip.Of((folder + "/data.pkl", pickle), (folder + "/data/0", new byte[4]))).Opened.Should().Be(1);
    }

    [Fact]
    public void Open_ManyNamesOfAll_IsRefusedBecauseItWouldUnfold()
    {
        // 30,000 tensors, each the whole storage of 1 MB: 30 GB to read.
        var pickle = Pickle.Program(ManyTensors(30_000, 1 << 18, [1 << 18], [1]));

        Run("names", Zip.Of(("x/data.pkl", pickle), ("x/data/0", new byte[1 << 20]))).Refused.Should().Be(1);
        FluentActions.Invoking(() => TensorSource.Open(_folder.Combine("hostile.pth"))).Should().Throw<AlpacaException>().WithMessage("*hostile.pth*times its size*");
    }

    [Fact]
    public void Open_ExpandedBeyondReason_IsRefusedBecauseItWouldUnfold()
    {
        File.WriteAllBytes(_folder.Combine("hostile.pth"), PthMutations.Wrap(Pickle.Dictionary(("w", Pickle.Tensor(24, 0, [1 << 20, 1 << 20], [0, 0])))));

        FluentActions.Invoking(() => TensorSource.Open(_folder.Combine("hostile.pth"))).Should().Throw<AlpacaException>().WithMessage("*hostile.pth*times its size*");
    }

    [Fact]
    public void Open_PickleLargerThanAnyModelNeeds_IsRefusedUnread()
    {
        var nothing = Pickle.Text(new string('x', 9 << 20));

        foreach (var file in (byte[][])[Zip.Of(("x/data.pkl", nothing)), PthMutations.Legacy([Pickle.Proto, nothing, Pickle.Stop])])
        {
            File.WriteAllBytes(_folder.Combine("hostile.pth"), file);

            FluentActions.Invoking(() => TensorSource.Open(_folder.Combine("hostile.pth"))).Should().Throw<AlpacaException>().WithMessage("*hostile.pth*pickle*bytes*");
        }
    }

    private static IEnumerable<byte[]> ManyTensors(int names, long count, long[] shape, long[] strides) =>
    [
        Pickle.Proto, Pickle.EmptyDictionary, Pickle.Text("first"), .. Pickle.Tensor(Pickle.Storage("0", "FloatStorage", count), 0, shape, strides), Pickle.Put(0), Pickle.SetItem,
        .. Enumerable.Range(0, names).SelectMany(i => (byte[][])[Pickle.Text($"{i}"), Pickle.Get(0), Pickle.SetItem]), Pickle.Stop,
    ];

    private static IEnumerable<byte[]> Repeat(int count, params byte[][] instructions) => Enumerable.Repeat(instructions, count).SelectMany(i => i);

    private void Refuse(string what, IEnumerable<byte[]> pickle, string message)
    {
        Run(what, PthMutations.Wrap(pickle)).Refused.Should().Be(1, what);
        FluentActions.Invoking(() => TensorSource.Open(_folder.Combine("hostile.pth"))).Should().Throw<AlpacaException>().WithMessage(message);
        Run(what, PthMutations.Legacy(pickle)).Refused.Should().Be(1, "{0}, legacy", what);
    }

    private HostileRun Run(string what, byte[] file) =>
        new HostileRun("hostile.pth", PthHostileTests.Bound, _ => file, bytes => File.WriteAllBytes(_folder.Combine("hostile.pth"), bytes), () => Reading.All(_folder.Combine("hostile.pth")))
            .Over(what.Length, 1);
}
