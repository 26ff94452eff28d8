using Alpaca.Abstractions;

namespace Alpaca.Download.Tests;

public sealed class DownloaderTests : IDisposable
{
    private readonly DownloadBench _bench = new();
    private readonly WeightFolder _source = new();

    public void Dispose()
    {
        _bench.Dispose();
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
        server.Intercept = (context, name) =>
        {
            if (context.Request.Method != "GET" || name != "tiny/consolidated.01.pth") return Task.FromResult(false);
            context.Response.StatusCode = 403;
            return Task.FromResult(true);
        };
        var request = new DownloadRequest { Source = server.Address, ModelSize = ["tiny"], ParallelDownloads = 1 };
        await _bench.FailAsync(request);
        server.Requests.Clear();
        server.Heads.Clear();
        server.Intercept = (_, _) => Task.FromResult(false);

        await _bench.RunAsync(request);

        ShouldEqualSource();
        server.Requests.Should().Equal("tiny/consolidated.01.pth@0");
        server.Heads.Should().Equal(["tokenizer_checklist.chk", "tiny/checklist.chk", "tiny/consolidated.01.pth"], "the lists are only asked whether they changed");
    }

    [Fact]
    public async Task Execute_ListedFilesMissing_NamesThemAllBeforeAnyShardIsFetched()
    {
        File.Delete(_source.Combine("tiny/consolidated.00.pth"));
        File.Delete(_source.Combine("tiny/consolidated.01.pth"));
        await using var server = await FileServer.StartAsync(_source.Path);

        var failure = await _bench.FailAsync(server.Address);

        failure.Message.Should().Match("tiny/consolidated.00.pth, tiny/consolidated.01.pth are missing at *");
        server.Requests.Should().OnlyContain(r => r.Contains(".chk"));
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

        Directory.EnumerateFileSystemEntries(_bench.Output).Should().BeEmpty();
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

        Directory.GetFiles(Path.Combine(_bench.Output, size), "*.pth").Should().HaveCount(shards);
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

    [Theory]
    [InlineData("7B")]
    [InlineData("70B")]
    public async Task Execute_NoSuchSize_NamesTheChecklist(string size)
        => await FluentActions.Awaiting(() => RunAsync(_source.Path, size)).Should().ThrowAsync<AlpacaException>().WithMessage($"*has no {size}/checklist.chk*");

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

    private Task<WeightsArtifact> RunAsync(string source, string size = "tiny") => _bench.RunAsync(source, size);

    private void ShouldEqualSource() => _bench.ShouldEqual(_source.Path);
}
