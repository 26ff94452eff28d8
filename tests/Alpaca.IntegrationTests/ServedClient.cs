using System.Net.Http.Json;
using System.Text.Json;

namespace Alpaca.IntegrationTests;

/// <summary>A client of a service: waits for a model and asks it one question, greedily.</summary>
internal static class ServedClient
{
    /// <summary>Waits until a model of that name is served.</summary>
    public static async Task ServesAsync(this HttpClient client, string name)
    {
        using var limit = new CancellationTokenSource(TimeSpan.FromMinutes(5));
        while (!(await (await client.GetAsync("v1/models", limit.Token)).Content.ReadAsStringAsync(limit.Token)).Contains($"\"{name}\"", StringComparison.Ordinal)) await Task.Delay(100, limit.Token);
    }

    /// <returns>The answer, which has to come.</returns>
    public static async Task<string> AskAsync(this HttpClient client)
    {
        using var response = await client.PostAsJsonAsync("v1/chat/completions", new { messages = new[] { new { role = "user", content = "中国的首都是哪里？" } }, temperature = 0, max_tokens = 24 });
        var body = await response.Content.ReadAsStringAsync();
        response.IsSuccessStatusCode.Should().BeTrue(body);
        using var document = JsonDocument.Parse(body);
        return document.RootElement.GetProperty("choices")[0].GetProperty("message").GetProperty("content").GetString()!;
    }

    /// <summary>Asks again and again on another thread, until it is told to stop.</summary>
    /// <returns>The answers.</returns>
    public static Task<List<string>> AskUntilAsync(this HttpClient client, CancellationToken stop) => Task.Run(
        async () =>
        {
            var answers = new List<string>();
            while (!stop.IsCancellationRequested) answers.Add(await client.AskAsync());
            return answers;
        },
        CancellationToken.None);
}
