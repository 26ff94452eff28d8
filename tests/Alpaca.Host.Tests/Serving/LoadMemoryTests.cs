namespace Alpaca.Host.Tests;

/// <summary>What many requests leave in memory: the process's, so nothing else may run in it.</summary>
[Collection(AloneCollection.Name)]
public sealed class LoadMemoryTests
{
    [Theory]
    [InlineData(true, false)]
    [InlineData(false, false)]
    [InlineData(false, true)]
    public async Task Post_TenMegabytes_TakeNoMemory(bool isChunked, bool asksFirst)
    {
        await using var bench = await ServedBench.StartAsync();
        var before = GC.GetTotalAllocatedBytes();
        using var request = new HttpRequestMessage(HttpMethod.Post, "/v1/chat/completions") { Content = new CountedContent(10_000_000, isChunked) };
        request.Headers.ExpectContinue = asksFirst;

        using var response = await bench.Client.SendAsync(request);

        await ServedBench.ReadAsync(response, 413);
        (GC.GetTotalAllocatedBytes() - before).Should().BeLessThan(30_000_000);
    }

    [Fact]
    [Trait("Category", "Slow")]
    public async Task Post_TenThousandRequests_LeaveMemoryFlat()
    {
        await using var bench = await ServedBench.StartAsync();
        string[] requests =
        [
            ServedBench.Chat(), ServedBench.Chat("\"stream\": true"), ServedBench.Chat("\"n\": 2, \"logprobs\": true, \"top_logprobs\": 3"), ServedBench.Chat("\"top_p\": 7"), "nonsense",
        ];
        async Task Ask(int count)
        {
            for (var i = 0; i < count; i++)
            {
                using var response = await bench.PostAsync("/v1/chat/completions", requests[i % requests.Length]);
                await response.Content.ReadAsByteArrayAsync();
            }

            await bench.IdleAsync();
            bench.Generator.Asked.Clear();
        }

        await Ask(1000);
        var before = GC.GetTotalMemory(forceFullCollection: true);
        await Ask(10_000);

        (GC.GetTotalMemory(forceFullCollection: true) - before).Should().BeLessThan(2_000_000);
    }
}
