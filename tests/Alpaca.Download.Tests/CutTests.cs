using System.Globalization;
using Alpaca.Abstractions;
using FsCheck.Xunit;

namespace Alpaca.Download.Tests;

/// <summary>Connections that break off.</summary>
public sealed class CutTests : IDisposable
{
    private const int ShardBytes = 200_000;
    private const string Shard = "tiny/consolidated.00.pth";
    private readonly WeightFolder _source = new(shardBytes: ShardBytes);

    public void Dispose() => _source.Dispose();

    [Property(MaxTest = 40)]
    public async Task Execute_CutAnywhereAnyNumberOfTimes_EndsWholeOrSaysSoAndTheNextTryCompletes(uint[] points, bool ranges)
    {
        using var bench = new DownloadBench();
        await using var server = await FileServer.StartAsync(_source.Path);
        server.Ranges = ranges;
        foreach (var point in points.Take(12)) server.Cuts.Enqueue((Shard, point % (ShardBytes + 1)));

        var whole = await TryAsync(bench, server.Address);
        server.Cuts.Clear();
        server.Requests.Clear();
        if (!whole)
        {
            var finished = Directory.GetFiles(bench.Folder.Combine("resume", "files"), "*", SearchOption.AllDirectories).Select(Path.GetFileName).ToList();
            await bench.RunAsync(server.Address);
            server.Requests.Should().OnlyContain(r => !finished.Contains(Path.GetFileName(r.Split('@')[0])), "finished files are not asked for again");
        }

        bench.ShouldEqual(_source.Path);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(ShardBytes - 1)]
    [InlineData(ShardBytes)]
    public async Task Execute_CutAtTheEdges_EndsWhole(long at)
    {
        using var bench = new DownloadBench();
        await using var server = await FileServer.StartAsync(_source.Path);
        server.Cuts.Enqueue((Shard, at));

        await bench.RunAsync(server.Address);

        bench.ShouldEqual(_source.Path);
    }

    [Fact]
    public async Task Execute_AlwaysCutAtTheSameByte_GivesUpWithTheWayOn()
    {
        using var bench = new DownloadBench();
        await using var server = await FileServer.StartAsync(_source.Path);
        server.Ranges = false;
        for (var i = 0; i < 20; i++) server.Cuts.Enqueue((Shard, 1000));

        var failure = await bench.FailAsync(server.Address);

        failure.Message.Should().Match($"{Shard} could not be fetched*run again*");
    }

    [Fact]
    public async Task Execute_ManyCutsWithProgressBetween_GoesOnToTheEnd()
    {
        using var bench = new DownloadBench();
        bench.Environment = bench.Environment with { Transfers = DownloadBench.Fast with { Retries = 20 } };
        await using var server = await FileServer.StartAsync(_source.Path);
        server.Send = async (context, content) =>
        {
            await context.Response.Body.WriteAsync(content[..Math.Min(20_000, content.Length)]);
            await context.Response.Body.FlushAsync();
            if (content.Length > 20_000) await FileServer.CutAsync(context);
        };

        await bench.RunAsync(server.Address);

        bench.ShouldEqual(_source.Path);
        OffsetsOf(server).Should().BeInAscendingOrder("each connection goes on where the last one broke off").And.HaveCountGreaterThan(8);
    }

    [Fact]
    public async Task Execute_Cut_WaitsByTheInjectedClock()
    {
        var time = new JumpingTime();
        using var bench = new DownloadBench { Time = time };
        bench.Environment = bench.Environment with { Transfers = DownloadBench.Jumping with { Random = () => 0 } };
        await using var server = await FileServer.StartAsync(_source.Path);
        server.Cuts.Enqueue((Shard, 100_000));

        await bench.RunAsync(server.Address);

        time.Waits.Should().Equal(TimeSpan.FromSeconds(0.5));
    }

    [Theory]
    [InlineData(1, 0.5, 1)]
    [InlineData(2, 1, 2)]
    [InlineData(4, 4, 8)]
    [InlineData(100, 32, 64)]
    public void Delay_FailuresInARow_DoublesWithJitterUpToALimit(int failures, double least, double most)
    {
        (new TransferSettings { Random = () => 0 }).Delay(failures).TotalSeconds.Should().Be(least);
        (new TransferSettings { Random = () => 1 }).Delay(failures).TotalSeconds.Should().Be(most);
    }

    [Fact]
    public async Task Execute_KilledAfterTheLastByte_AsksForThatFileNoMore()
    {
        using var bench = new DownloadBench();
        await using var server = await FileServer.StartAsync(_source.Path);
        LeavePart(bench, File.ReadAllBytes(_source.Combine(Shard)), "\"one\"", ShardBytes);

        await bench.RunAsync(server.Address);

        bench.ShouldEqual(_source.Path);
        OffsetsOf(server).Should().BeEmpty();
    }

    [Fact]
    public async Task Execute_PartDamagedBetweenTries_IsFetchedWholeOnceMore()
    {
        using var bench = new DownloadBench();
        await using var server = await FileServer.StartAsync(_source.Path);
        LeavePart(bench, new byte[100_000], "\"one\"", ShardBytes);

        await bench.RunAsync(server.Address);

        bench.ShouldEqual(_source.Path);
        OffsetsOf(server).Should().Equal(100_000, 0);
    }

    [Fact]
    public async Task Execute_ChangedBetweenTries_FetchesTheNewFileWhole()
    {
        using var bench = new DownloadBench();
        await using var server = await FileServer.StartAsync(_source.Path);
        using var cancel = new CancellationTokenSource();
        server.Send = async (context, content) =>
        {
            await context.Response.Body.WriteAsync(content[..(content.Length / 2)]);
            await context.Response.Body.FlushAsync();
            if (content.Length > 1000) await cancel.CancelAsync();
            else await context.Response.Body.WriteAsync(content[(content.Length / 2)..]);
        };
        var request = new DownloadRequest { Source = server.Address, ModelSize = ["tiny"], ParallelDownloads = 1 };
        await FluentActions.Awaiting(() => bench.RunAsync(request, cancel.Token)).Should().ThrowAsync<OperationCanceledException>();
        var content = new byte[ShardBytes];
        new Random(99).NextBytes(content);
        _source.Write(Shard, content);
        _source.WriteChecklist("tiny/checklist.chk", "tiny", "params.json", "consolidated.00.pth", "consolidated.01.pth");
        server.ETag = "\"two\"";
        server.Send = async (context, rest) => await context.Response.Body.WriteAsync(rest);

        await bench.RunAsync(request);

        bench.ShouldEqual(_source.Path);
    }

    [Theory]
    [InlineData("\"one\"")]
    [InlineData(null)]
    public async Task Execute_UnlistedFileChangedBetweenTries_MixesNothing(string? newTag)
    {
        using var bench = new DownloadBench();
        File.Delete(_source.Combine("tokenizer_checklist.chk"));
        _source.Write("tokenizer.model", [.. Enumerable.Repeat((byte)7, 5000)]);
        await using var server = await FileServer.StartAsync(_source.Path);
        server.ETag = newTag;
        LeavePart(bench, new byte[1000], "\"zero\"", 5000, "tokenizer.model");

        await bench.RunAsync(server.Address);

        bench.ShouldEqual(_source.Path);
        server.Requests.Should().Contain("tokenizer.model@0");
    }

    [Fact]
    public async Task Execute_Cancelled_KeepsThePart()
    {
        using var bench = new DownloadBench();
        await using var server = await FileServer.StartAsync(_source.Path);
        using var cancel = new CancellationTokenSource();
        var all = server.Send;
        server.Send = async (context, content) =>
        {
            if (!context.Request.Path.Value!.EndsWith(".pth", StringComparison.Ordinal))
            {
                await all(context, content);
                return;
            }

            await context.Response.Body.WriteAsync(content[..100_000]);
            await context.Response.Body.FlushAsync();
            await Task.Delay(Timeout.Infinite, context.RequestAborted);
        };
        var request = new DownloadRequest { Source = server.Address, ModelSize = ["tiny"], ParallelDownloads = 1 };
        var run = bench.RunAsync(request, cancel.Token);
        var part = bench.Folder.Combine("resume", "parts", Shard);
        while (!File.Exists(part) || new FileInfo(part).Length < 100_000) await Task.Delay(5);

        await cancel.CancelAsync();

        await FluentActions.Awaiting(() => run).Should().ThrowAsync<OperationCanceledException>();
        server.Send = all;
        server.Requests.Clear();
        await bench.RunAsync(request);
        bench.ShouldEqual(_source.Path);
        server.Requests.Should().Equal($"{Shard}@100000", "tiny/consolidated.01.pth@0");
    }

    private static async Task<bool> TryAsync(DownloadBench bench, string source)
    {
        try
        {
            await bench.RunAsync(source);
            return true;
        }
        catch (AlpacaException e)
        {
            e.Message.Should().Contain("could not be fetched").And.Contain("run again");
            return false;
        }
    }

    private static void LeavePart(DownloadBench bench, byte[] content, string version, long total, string name = Shard)
    {
        var store = new ResumeStore(bench.Folder.CreateFolder("resume"));
        Directory.CreateDirectory(Path.GetDirectoryName(store.PartOf(name))!);
        File.WriteAllBytes(store.PartOf(name), content);
        store.WriteNote(name, new TransferNote(version, total));
    }

    private static List<long> OffsetsOf(FileServer server)
        => [.. server.Requests.Where(r => r.StartsWith($"{Shard}@", StringComparison.Ordinal)).Select(r => long.Parse(r.Split('@')[1], CultureInfo.InvariantCulture))];
}
