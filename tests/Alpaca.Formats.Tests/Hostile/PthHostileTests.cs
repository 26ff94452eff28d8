namespace Alpaca.Formats.Tests.Hostile;

/// <summary>Thousands of damaged checkpoints; each is refused by name or reads consistently, in memory that its size bounds.</summary>
public sealed class PthHostileTests : IDisposable
{
    /// <summary>
    /// What opening a checkpoint and reading all its tensors may allocate. The constant is buffers and a message; the factor is the price of a pickle's objects: one
    /// instruction of one byte makes a tuple of 32 and its place on a stack that doubles (measured: 64.0 to the byte).
    /// </summary>
    internal static readonly AllocationBound Bound = new(192 << 10, 64);

    private readonly TemporaryFolder _folder = new();

    private string FilePath => _folder.Combine("hostile.pth");

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Open_BeforeAnyChange_HasEveryLayout(bool isLegacy)
    {
        Write(isLegacy ? PthMutations.Legacy(PthMutations.Sound(isLegacy)) : PthMutations.Wrap(PthMutations.Sound(isLegacy)));

        using var source = TensorSource.Open(FilePath);

        Reading.All(source);
        source.ReadBytes(source.Find("transposed")!)[..8].Should().Equal(0, 1, 2, 3, 24, 25, 26, 27);
        source.ReadBytes(source.Find("sliced")!).Should().Equal(28, 29, 30, 31, 36, 37, 38, 39, 52, 53, 54, 55, 60, 61, 62, 63);
        source.ReadBytes(source.Find("expanded")!).Should().HaveCount(60).And.StartWith((byte[])[12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 12, 13]);
        source.ReadBytes(source.Find("deep")!).Should().Equal(Enumerable.Range(0, 96).Select(i => (byte)i));
    }

    [Fact]
    public void Open_ZipFilesWithChangedBytes_AreRefusedByNameOrReadable() => Run(PthMutations.ZipBytes).Over(0, 3000).Refused.Should().BeGreaterThan(1000);

    [Fact]
    public void Open_LegacyFilesWithChangedBytes_AreRefusedByNameOrReadable() => Run(PthMutations.LegacyBytes).Over(100_000, 2000).Refused.Should().BeGreaterThan(500);

    [Fact]
    public void Open_ChangedPickles_AreRefusedByNameOrReadable()
    {
        var run = Run(PthMutations.Pickles).Over(200_000, 3000);

        run.Refused.Should().BeGreaterThan(1000);
        run.Opened.Should().BeGreaterThan(200);
    }

    [Fact]
    public void Open_ZipFilesThatLie_AreRefusedByNameOrReadable() => Run(PthMutations.Zips).Over(300_000, 2000).Refused.Should().BeGreaterThan(500);

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Open_CutShortAtEveryByte_IsRefusedByName(bool isLegacy)
    {
        var whole = isLegacy ? PthMutations.Legacy(PthMutations.Sound(isLegacy: true)) : PthMutations.Wrap(PthMutations.Sound(isLegacy: false));

        var length = -2; // two rounds warm up

        var run = Run(_ => whole[..Math.Max(0, length++)]).Over(0, whole.Length);

        run.Opened.Should().Be(0);
    }

    [Fact, Trait("Category", "Slow")]
    public void Open_ManyMoreOfEveryKind_AreRefusedByNameOrReadable()
    {
        Func<Random, byte[]>[] kinds = [PthMutations.ZipBytes, PthMutations.LegacyBytes, PthMutations.Pickles, PthMutations.Zips];
        Run(random => kinds[random.Next(kinds.Length)](random)).Over(1_000_000, 200_000, stopAfter: TimeSpan.FromSeconds(20));
    }

    private HostileRun Run(Func<Random, byte[]> make) => new("hostile.pth", Bound, make, Write, () => Reading.All(FilePath));

    private void Write(byte[] bytes) => File.WriteAllBytes(FilePath, bytes);
}
