using System.Globalization;
using Microsoft.AspNetCore.Http;

namespace Alpaca.Download.Tests;

/// <summary>Servers that are busy, slow, or wrong about what they send.</summary>
public sealed class ServerFaultTests : IDisposable
{
    private const int ShardBytes = 200_000;
    private const string Shard = "tiny/consolidated.00.pth";
    private readonly WeightFolder _source = new(shardBytes: ShardBytes);
    private readonly DownloadBench _bench = new();

    public void Dispose()
    {
        _bench.Dispose();
        _source.Dispose();
    }

    [Theory]
    [InlineData(429, 7)]
    [InlineData(503, 7)]
    [InlineData(429, 0)]
    public async Task Execute_RetryAfterSeconds_WaitsThatLong(int status, int seconds)
    {
        var time = UseJumpingTime();
        await using var server = await FileServer.StartAsync(_source.Path);
        RefuseOnce(server, status, seconds.ToString(CultureInfo.InvariantCulture));

        await _bench.RunAsync(server.Address);

        time.Waits.Should().Equal(seconds == 0 ? [] : [TimeSpan.FromSeconds(seconds)]);
        _bench.ShouldEqual(_source.Path);
    }

    [Theory]
    [InlineData(429)]
    [InlineData(503)]
    public async Task Execute_RetryAfterDate_WaitsUntilThenByItsClock(int status)
    {
        var time = UseJumpingTime();
        await using var server = await FileServer.StartAsync(_source.Path);
        RefuseOnce(server, status, time.GetUtcNow().AddSeconds(90).ToString("R", CultureInfo.InvariantCulture));

        await _bench.RunAsync(server.Address);

        time.Waits.Should().Equal(TimeSpan.FromSeconds(90));
    }

    [Fact]
    public async Task Execute_RetryAfterTooLong_SaysHowLong()
    {
        var time = UseJumpingTime();
        await using var server = await FileServer.StartAsync(_source.Path);
        RefuseOnce(server, 429, "86400", times: 2);

        var failure = await _bench.FailAsync(server.Address);

        failure.Message.Should().Match("*answered 429*86400 seconds*");
        time.Waits.Should().BeEmpty();
    }

    [Fact]
    public async Task Execute_BusyWithoutRetryAfter_WaitsLongerEachTime()
    {
        var time = UseJumpingTime();
        await using var server = await FileServer.StartAsync(_source.Path);
        for (var i = 0; i < 3; i++) server.Statuses.Enqueue(503);

        await _bench.RunAsync(server.Address);

        time.Waits.Select(w => w.TotalSeconds).Should().Equal(1, 2, 4);
    }

    [Fact]
    public async Task Execute_AlwaysBusy_EndsWithTheStatus()
    {
        UseJumpingTime();
        await using var server = await FileServer.StartAsync(_source.Path);
        for (var i = 0; i < 5; i++) server.Statuses.Enqueue(503);

        (await _bench.FailAsync(server.Address)).Message.Should().Match("*answered 503*again later*");

        await _bench.RunAsync(server.Address);
        _bench.ShouldEqual(_source.Path);
    }

    [Fact]
    public async Task Execute_NobodyListens_SaysWhere()
    {
        UseJumpingTime();
        var server = await FileServer.StartAsync(_source.Path);
        var address = server.Address;
        await server.DisposeAsync();

        (await _bench.FailAsync($"{address}/*?signature=secret")).Message.Should().Match($"*could not be fetched from {address}/*").And.NotContain("secret");
    }

    [Fact]
    public async Task Execute_SlowDrip_TakesItAsLongAsItMoves()
    {
        await using var server = await FileServer.StartAsync(_source.Path);
        _bench.Environment = _bench.Environment with { Transfers = DownloadBench.Fast with { StallTimeout = TimeSpan.FromSeconds(3), Retries = 1 } };
        server.Send = async (context, content) =>
        {
            // Longer than the stall timeout in all, and each pause far shorter, whatever else the machine does.
            var step = Math.Max(1, content.Length / 10);
            for (var at = 0; at < content.Length; at += step)
            {
                await context.Response.Body.WriteAsync(content[at..Math.Min(at + step, content.Length)]);
                await context.Response.Body.FlushAsync();
                await Task.Delay(content.Length > 1000 ? 350 : 0);
            }
        };

        await _bench.RunAsync(server.Address);

        _bench.ShouldEqual(_source.Path);
        server.Requests.Should().HaveCount(6, "no transfer was begun twice");
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Execute_StalledServer_IsAskedAgain(bool afterTheHeaders)
    {
        await using var server = await FileServer.StartAsync(_source.Path);
        _bench.Environment = _bench.Environment with { Transfers = DownloadBench.Fast with { StallTimeout = TimeSpan.FromMilliseconds(250), Retries = 10 } };
        var stalls = 0;
        server.Intercept = async (context, name) =>
        {
            if (name != Shard || context.Request.Method != "GET" || Interlocked.Increment(ref stalls) > 1) return false;
            if (afterTheHeaders)
            {
                context.Response.Headers.ETag = server.ETag;
                context.Response.ContentLength = ShardBytes;
                await context.Response.Body.WriteAsync((await File.ReadAllBytesAsync(_source.Combine(Shard))).AsMemory(0, 50_000));
                await context.Response.Body.FlushAsync();
            }

            await Task.Delay(Timeout.Infinite, context.RequestAborted).ContinueWith(_ => { }, TaskScheduler.Default);
            return true;
        };

        await _bench.RunAsync(server.Address);

        _bench.ShouldEqual(_source.Path);
        if (afterTheHeaders) server.Requests.Should().Contain($"{Shard}@50000");
    }

    [Fact]
    public async Task Execute_AlwaysStalled_SaysThatNothingArrives()
    {
        await using var server = await FileServer.StartAsync(_source.Path);
        _bench.Environment = _bench.Environment with { Transfers = DownloadBench.Fast with { StallTimeout = TimeSpan.FromMilliseconds(200), Retries = 1 } };
        server.Intercept = async (context, name) =>
        {
            if (name != Shard || context.Request.Method != "GET") return false;
            context.Response.ContentLength = ShardBytes;
            await context.Response.Body.WriteAsync(new byte[10]);
            await context.Response.Body.FlushAsync();
            await Task.Delay(Timeout.Infinite, context.RequestAborted).ContinueWith(_ => { }, TaskScheduler.Default);
            return true;
        };

        (await _bench.FailAsync(server.Address)).Message.Should().Match("*nothing arrived for 0.2 seconds*");
    }

    [Theory]
    [InlineData(100)]
    [InlineData(-100)]
    public async Task Execute_WrongContentLengthOnce_EndsWhole(int difference)
    {
        await using var server = await FileServer.StartAsync(_source.Path);
        SendWithLength(server, difference, times: 1);

        await _bench.RunAsync(server.Address);

        _bench.ShouldEqual(_source.Path);
    }

    [Fact]
    public async Task Execute_ContentLengthAlwaysTooLong_EndsWholeByTheDigest()
    {
        await using var server = await FileServer.StartAsync(_source.Path);
        SendWithLength(server, 100, times: 1000);

        await _bench.RunAsync(server.Address);

        _bench.ShouldEqual(_source.Path);
    }

    [Fact]
    public async Task Execute_ContentLengthAlwaysTooShort_IsAClearErrorAndTheNextTryCompletes()
    {
        await using var server = await FileServer.StartAsync(_source.Path);
        SendWithLength(server, -100, times: 1000);

        (await _bench.FailAsync(server.Address)).Message.Should().Match("*has MD5*");

        server.Intercept = (_, _) => Task.FromResult(false);
        await _bench.RunAsync(server.Address);
        _bench.ShouldEqual(_source.Path);
    }

    [Theory]
    [InlineData(100)]
    [InlineData(-100)]
    public async Task Execute_WrongLengthOfAFileWithoutDigest_IsAClearError(int difference)
    {
        File.Delete(_source.Combine("tokenizer_checklist.chk"));
        _source.Write("tokenizer.model", new byte[5000]);
        await using var server = await FileServer.StartAsync(_source.Path);
        SendWithLength(server, difference, times: 1000, name: "tokenizer.model");

        (await _bench.FailAsync(server.Address)).Message.Should().Match("tokenizer.model could not be fetched completely: *");
    }

    [Theory]
    [InlineData(5000)]
    [InlineData(-5000)]
    public async Task Execute_WrongTotalInContentRange_EndsWhole(long difference)
    {
        await using var server = await FileServer.StartAsync(_source.Path);
        server.RangeTotal = length => length + difference;
        server.Cuts.Enqueue((Shard, 50_000));

        await _bench.RunAsync(server.Address);

        _bench.ShouldEqual(_source.Path);
    }

    [Fact]
    public async Task Execute_RangeFromElsewhere_IsNotTaken()
    {
        await using var server = await FileServer.StartAsync(_source.Path);
        server.Cuts.Enqueue((Shard, 50_000));
        server.Intercept = async (context, name) =>
        {
            if (name != Shard || context.Request.Headers.Range.Count == 0) return false;
            context.Response.StatusCode = 206;
            context.Response.Headers.ETag = server.ETag;
            context.Response.Headers.ContentRange = $"bytes 10-19/{ShardBytes}";
            await context.Response.Body.WriteAsync(new byte[10]);
            return true;
        };

        await _bench.RunAsync(server.Address);

        _bench.ShouldEqual(_source.Path);
    }

    [Fact]
    public async Task Execute_PartOfANewVersionInSpiteOfIfRange_IsNotTaken()
    {
        await using var server = await FileServer.StartAsync(_source.Path);
        server.Cuts.Enqueue((Shard, 50_000));
        server.Intercept = async (context, name) =>
        {
            if (name != Shard || context.Request.Headers.Range.Count == 0) return false;
            context.Response.StatusCode = 206;
            context.Response.Headers.ETag = "\"another\"";
            var from = int.Parse(context.Request.Headers.Range.ToString()[6..^1], CultureInfo.InvariantCulture);
            context.Response.Headers.ContentRange = $"bytes {from}-{ShardBytes - 1}/{ShardBytes}";
            await context.Response.Body.WriteAsync(new byte[ShardBytes - from]);
            return true;
        };

        await _bench.RunAsync(server.Address);

        _bench.ShouldEqual(_source.Path);
        server.Requests.Where(r => r == $"{Shard}@0").Should().HaveCount(2);
    }

    [Theory]
    [InlineData(403)]
    [InlineData(405)]
    [InlineData(501)]
    public async Task Execute_ServerWithoutHead_LearnsTheSizeFromARange(int status)
    {
        UseJumpingTime();
        await using var server = await FileServer.StartAsync(_source.Path);
        server.Intercept = async (context, name) =>
        {
            if (HttpMethods.IsHead(context.Request.Method))
            {
                context.Response.StatusCode = status;
                return true;
            }

            if (context.Request.Headers.Range != "bytes=0-0") return false;
            context.Response.StatusCode = 206;
            context.Response.Headers.ContentRange = $"bytes 0-0/{new FileInfo(_source.Combine(name)).Length}";
            await context.Response.Body.WriteAsync(new byte[1]);
            return true;
        };
        _bench.Environment = _bench.Environment with { FreeBytes = _ => 10 };

        (await _bench.FailAsync(server.Address)).Message.Should().Match("There is too little room for what is still to fetch* free *");

        _bench.Environment = _bench.Environment with { FreeBytes = _ => long.MaxValue };
        await _bench.RunAsync(server.Address);
        _bench.ShouldEqual(_source.Path);
    }

    private JumpingTime UseJumpingTime()
    {
        var time = new JumpingTime();
        _bench.Time = time;
        _bench.Environment = _bench.Environment with { Transfers = DownloadBench.Jumping with { Random = () => 1 } };
        return time;
    }

    private static void RefuseOnce(FileServer server, int status, string retryAfter, int times = 1)
    {
        var refusals = 0;
        server.Intercept = (context, name) =>
        {
            if (name != Shard || Interlocked.Increment(ref refusals) > times) return Task.FromResult(false);
            context.Response.StatusCode = status;
            context.Response.Headers.RetryAfter = retryAfter;
            return Task.FromResult(true);
        };
    }

    private void SendWithLength(FileServer server, int difference, int times, string name = Shard)
    {
        var sent = 0;
        server.Intercept = async (context, asked) =>
        {
            if (asked != name || context.Request.Method != "GET" || Interlocked.Increment(ref sent) > times) return false;
            var content = await File.ReadAllBytesAsync(_source.Combine(name));
            context.Response.ContentLength = content.Length + difference;
            await context.Response.Body.WriteAsync(content.AsMemory(0, Math.Min(content.Length, content.Length + difference)));
            return true;
        };
    }
}
