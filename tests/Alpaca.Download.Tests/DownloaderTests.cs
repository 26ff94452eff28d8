using Alpaca.Abstractions;

namespace Alpaca.Download.Tests;

public sealed class DownloaderTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly WeightFolder _source = new();

    public void Dispose()
    {
        _folder.Dispose();
        _source.Dispose();
    }

    [Fact]
    public async Task Execute_LocalFolder_CopiesEveryFileOfTheSize()
    {
        var artifact = await RunAsync(_source.Path);

        artifact.ModelSizes.Should().Equal("tiny");
        ShouldEqualSource();
    }

    [Fact]
    public async Task Execute_FileAddress_CopiesEveryFileOfTheSize()
    {
        await RunAsync(new Uri(_source.Path).AbsoluteUri);

        ShouldEqualSource();
    }

    [Fact]
    public async Task Execute_HttpAddress_FetchesEveryFileOfTheSize()
    {
        await using var server = await FileServer.StartAsync(_source.Path);

        await RunAsync(server.Address);

        ShouldEqualSource();
    }

    [Fact]
    public async Task Execute_PresignedPattern_PutsTheRelativeNameInPlaceOfTheStar()
    {
        await using var server = await FileServer.StartAsync(_source.Path);

        await RunAsync($"{server.Address}/*?signature=secret");

        ShouldEqualSource();
    }

    [Fact]
    public async Task Execute_ConnectionCutInTheMiddle_GoesOnFromThere()
    {
        await using var server = await FileServer.StartAsync(_source.Path);
        server.Cuts.Enqueue(("tiny/consolidated.00.pth", 1_500_000));

        await RunAsync(server.Address);

        ShouldEqualSource();
        var offsets = server.Requests.Where(r => r.StartsWith("tiny/consolidated.00.pth@", StringComparison.Ordinal)).Select(r => long.Parse(r.Split('@')[1])).ToList();
        offsets.Should().HaveCount(2);
        offsets[1].Should().BeInRange(1, 1_500_000, "the second request asks only for the rest");
    }

    [Fact]
    public async Task Execute_StoppedAndRunAgain_FetchesFinishedFilesNoMore()
    {
        await using var server = await FileServer.StartAsync(_source.Path);
        var lastShard = _source.Combine("tiny/consolidated.01.pth");
        File.Move(lastShard, lastShard + ".away");
        await FluentActions.Awaiting(() => RunAsync(server.Address)).Should().ThrowAsync<AlpacaException>().WithMessage("*tiny/consolidated.01.pth is missing*");
        File.Move(lastShard + ".away", lastShard);
        server.Requests.Clear();

        await RunAsync(server.Address);

        ShouldEqualSource();
        server.Requests.Should().Equal("tiny/consolidated.01.pth@0");
    }

    [Fact]
    public async Task Execute_FileChangedBetweenTries_StartsThatFileAnew()
    {
        await using var server = await FileServer.StartAsync(_source.Path);
        _folder.CreateFolder("resume", "tiny");
        File.WriteAllBytes(_folder.Combine("resume", "tiny", "consolidated.00.pth.part"), new byte[1000]);
        File.WriteAllText(_folder.Combine("resume", "tiny", "consolidated.00.pth.version"), "\"older\"");

        await RunAsync(server.Address);

        ShouldEqualSource();
    }

    [Fact]
    public async Task Execute_ServerWithoutRanges_StartsThatFileAnew()
    {
        await using var server = await FileServer.StartAsync(_source.Path);
        server.Ranges = false;
        server.Cuts.Enqueue(("tiny/consolidated.01.pth", 2_000_000));

        await RunAsync(server.Address);

        ShouldEqualSource();
    }

    [Fact]
    public async Task Execute_ServerBusyAtFirst_TriesAgain()
    {
        await using var server = await FileServer.StartAsync(_source.Path);
        server.Statuses.Enqueue(503);

        await RunAsync(server.Address);

        ShouldEqualSource();
    }

    [Fact]
    public async Task Execute_AddressExpired_SaysSoWithoutTheSecret()
    {
        await using var server = await FileServer.StartAsync(_source.Path);
        server.Statuses.Enqueue(403);

        var failure = await FluentActions.Awaiting(() => RunAsync($"{server.Address}/*?signature=secret")).Should().ThrowAsync<AlpacaException>().WithMessage("*403*expired*");

        failure.Which.Message.Should().NotContain("secret");
    }

    [Fact]
    public async Task Execute_WrongMd5_NamesTheFileAndPublishesNothing()
    {
        _source.Write("tiny/consolidated.01.pth", new byte[3_000_000]);

        await FluentActions.Awaiting(() => RunAsync(_source.Path)).Should().ThrowAsync<AlpacaException>().WithMessage("tiny/consolidated.01.pth has MD5 *");

        Directory.EnumerateFileSystemEntries(_folder.Combine("out")).Should().BeEmpty();
    }

    [Fact]
    public async Task Execute_ListedShardMissing_NamesIt()
    {
        File.Delete(_source.Combine("tiny/consolidated.01.pth"));

        await FluentActions.Awaiting(() => RunAsync(_source.Path)).Should().ThrowAsync<AlpacaException>().WithMessage("tiny/consolidated.01.pth is missing*");
    }

    [Theory]
    [InlineData("13B", 1, "consolidated.01.pth")]
    [InlineData("30B", 2, "consolidated.02.pth, consolidated.03.pth")]
    public async Task Execute_KnownSizeWithTooFewShardsListed_NamesThoseThatLack(string size, int shards, string missing)
    {
        using var source = new WeightFolder(size, shards, 100);

        await FluentActions.Awaiting(() => RunAsync(source.Path, size)).Should().ThrowAsync<AlpacaException>().WithMessage($"*does not list {missing}*");
    }

    [Theory]
    [InlineData("7B", 1)]
    [InlineData("13B", 2)]
    [InlineData("30B", 4)]
    [InlineData("65B", 8)]
    public async Task Execute_KnownSize_TakesItsShards(string size, int shards)
    {
        using var source = new WeightFolder(size, shards, 100);

        await RunAsync(source.Path, size);

        Directory.GetFiles(_folder.Combine("out", size), "*.pth").Should().HaveCount(shards);
    }

    [Theory]
    [InlineData("../evil")]
    [InlineData("sub/evil")]
    [InlineData("..\\evil")]
    public async Task Execute_ChecklistNamesAPath_Refuses(string name)
    {
        File.AppendAllText(_source.Combine("tiny/checklist.chk"), $"{new string('0', 32)}  {name}\n");

        await FluentActions.Awaiting(() => RunAsync(_source.Path)).Should().ThrowAsync<AlpacaException>().WithMessage("*not a plain file name*");
    }

    [Theory]
    [InlineData("no checklist at all")]
    [InlineData("zz0123456789abcdef0123456789abcdef  params.json")]
    public async Task Execute_ChecklistOfAnotherForm_NamesTheLine(string line)
    {
        File.WriteAllText(_source.Combine("tiny/checklist.chk"), line);

        await FluentActions.Awaiting(() => RunAsync(_source.Path)).Should().ThrowAsync<AlpacaException>().WithMessage("tiny/checklist.chk line 1*");
    }

    [Fact]
    public async Task Execute_NoSuchSize_NamesTheChecklist()
        => await FluentActions.Awaiting(() => RunAsync(_source.Path, "7B")).Should().ThrowAsync<AlpacaException>().WithMessage("*has no 7B/checklist.chk*");

    [Fact]
    public async Task Execute_NoSuchFolder_SaysSo()
        => await FluentActions.Awaiting(() => RunAsync(_source.Combine("absent"))).Should().ThrowAsync<AlpacaException>().WithMessage("*no such folder*");

    [Theory]
    [InlineData("../7B")]
    [InlineData("")]
    public async Task Execute_SizeIsNoFolderName_IsAUsageError(string size)
        => await FluentActions.Awaiting(() => RunAsync(_source.Path, size)).Should().ThrowAsync<AlpacaUsageException>().WithMessage("ModelSize*");

    [Fact]
    public async Task Execute_SchemeNobodyFetches_IsAUsageError()
        => await FluentActions.Awaiting(() => RunAsync("ftp://example.org/llama")).Should().ThrowAsync<AlpacaUsageException>();

    private Task<WeightsArtifact> RunAsync(string source, string size = "tiny")
        => new Downloader().ExecuteAsync(new DownloadRequest { Source = source, ModelSize = [size] }, StageContexts.In(_folder));

    private void ShouldEqualSource()
    {
        var expected = Directory.GetFiles(_source.Path, "*", SearchOption.AllDirectories).Select(f => Path.GetRelativePath(_source.Path, f)).Order().ToList();
        var output = _folder.Combine("out");
        Directory.GetFiles(output, "*", SearchOption.AllDirectories).Select(f => Path.GetRelativePath(output, f)).Order().Should().Equal(expected);
        foreach (var name in expected) File.ReadAllBytes(Path.Combine(output, name)).Should().Equal(File.ReadAllBytes(_source.Combine(name)));
    }
}
