using System.Net.Sockets;
using System.Text;
using System.Text.Json;

namespace Alpaca.Host.Tests;

/// <summary>Clients that leave, many clients, and too many.</summary>
public sealed class LoadTests
{
    private const string Path = "/v1/chat/completions";

    [Fact]
    public async Task Post_StreamedAndAborted_FreesTheModelAtOnce()
    {
        await using var bench = await ServedBench.StartAsync(new EchoingGenerator(null) { ContextLength = int.MaxValue });
        using var abort = new CancellationTokenSource();
        using var request = new HttpRequestMessage(HttpMethod.Post, Path) { Content = new StringContent(ServedBench.Chat("\"stream\": true, \"max_tokens\": 1000000000, \"n\": 2"), Encoding.UTF8, "application/json") };
        var response = await bench.Client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, abort.Token);
        await (await response.Content.ReadAsStreamAsync()).ReadExactlyAsync(new byte[1000]);
        await UntilAsync(() => bench.Generator.Running == 2); // the second answer may begin after that

        response.Dispose(); // closes the connection

        await bench.IdleAsync();
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Post_AbortedBeforeTheFirstToken_FreesTheModelAtOnce(bool isStreamed)
    {
        await using var bench = await ServedBench.StartAsync(new EchoingGenerator(null) { Pace = token => Task.Delay(Timeout.Infinite, token) });
        using var abort = new CancellationTokenSource();
        var asking = bench.PostAsync(Path, ServedBench.Chat(isStreamed ? "\"stream\": true" : ""), abort.Token);
        await UntilAsync(() => bench.Generator.Running == 1);

        await abort.CancelAsync();

        await FluentActions.Awaiting(() => asking).Should().ThrowAsync<OperationCanceledException>();
        await bench.IdleAsync();
    }

    [Fact]
    public async Task Post_QueueFull_TurnsAwayUntilThereIsRoom()
    {
        var release = new TaskCompletionSource();
        await using var bench = await ServedBench.StartAsync(new EchoingGenerator("x") { Pace = release.Task.WaitAsync }, "Serving:QueueLimit=1");
        var asking = Enumerable.Range(0, 3).Select(_ => bench.AskAsync(Path, ServedBench.Chat())).ToList(); // two run, one waits
        await UntilAsync(() => bench.Gate.Entered == 3);

        using var refused = await bench.PostAsync(Path, ServedBench.Chat());
        var error = await ServedBench.ReadAsync(refused, 429);
        release.SetResult();
        await Task.WhenAll(asking);
        await bench.IdleAsync();
        await bench.AskAsync(Path, ServedBench.Chat());

        error.GetProperty("error").GetProperty("code").GetString().Should().Be("queue_full");
        refused.Headers.RetryAfter.Should().NotBeNull();
    }

    [Fact]
    public async Task Connect_ThousandClientsThatHangUp_LeaveNothingBehind()
    {
        await using var bench = await ServedBench.StartAsync(new EchoingGenerator(null) { ContextLength = 100_000, Pace = token => Task.Delay(1, token) }, "Serving:QueueLimit=10000");
        var body = ServedBench.Chat("\"stream\": true, \"max_tokens\": 100000");
        var request = Encoding.UTF8.GetBytes($"POST {Path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nContent-Length: {Encoding.UTF8.GetByteCount(body)}\r\n\r\n{body}");

        await Parallel.ForEachAsync(Enumerable.Range(0, 1000), new ParallelOptions { MaxDegreeOfParallelism = 50 }, async (i, cancellationToken) =>
        {
            using var client = new TcpClient { LingerState = new LingerOption(i % 2 == 0, 0) }; // half of them with a reset
            await client.ConnectAsync(bench.Address.Host, bench.Address.Port, cancellationToken);
            var sent = (i % 4) switch { 0 => 0, 1 => request.Length / 2, _ => request.Length };
            await client.GetStream().WriteAsync(request.AsMemory(0, sent), cancellationToken);
            if (i % 4 == 3) await client.GetStream().ReadExactlyAsync(new byte[20], cancellationToken);
        });

        await bench.IdleAsync();
        (await bench.AskAsync(Path, ServedBench.Chat("\"max_tokens\": 2"))).GetProperty("usage").GetProperty("completion_tokens").GetInt32().Should().Be(2);
    }

    [Fact]
    public async Task Post_ManyAtOnce_AllAreAnswered()
    {
        await using var bench = await ServedBench.StartAsync(null, "Serving:QueueLimit=1000");

        var answers = await Task.WhenAll(Enumerable.Range(0, 200).Select(i => i % 2 == 0
            ? bench.AskAsync(Path, ServedBench.Chat())
            : bench.StreamAsync(Path, ServedBench.Chat("\"stream\": true")).ContinueWith(events => JsonDocument.Parse(events.GetAwaiter().GetResult()[^2]).RootElement, TaskScheduler.Default)));

        answers.Should().OnlyContain(answer => answer.GetProperty("choices")[0].GetProperty("finish_reason").GetString() == "stop");
        await bench.IdleAsync();
    }

    private static async Task UntilAsync(Func<bool> condition)
    {
        using var limit = new CancellationTokenSource(TimeSpan.FromMinutes(3));
        while (!condition()) await Task.Delay(5, limit.Token);
    }
}
