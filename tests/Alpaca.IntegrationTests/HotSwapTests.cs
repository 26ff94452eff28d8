using System.Net.Http.Json;
using System.Text.Json;

namespace Alpaca.IntegrationTests;

/// <summary>The served model is changed by editing the configuration, while requests go on.</summary>
[Trait("Category", "Slow")]
public sealed class HotSwapTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly SampleModels _models = new();

    public void Dispose()
    {
        _models.Dispose();
        _folder.Dispose();
    }

    [Fact]
    public async Task Serve_BackendChangedWhileAsked_AnswersEveryRequestWhole()
    {
        var model = await _models.ModelAsync();
        var exported = _folder.Combine("onnx");
        (await AlpacaProcess.RunAsync("stage", "export", "--model", model, "--output-dir", exported)).ShouldSucceed();
        var config = Configure("Torch", model);
        using var serve = new ServedProcess(config);
        using var client = await serve.ConnectAsync();
        await ServesAsync(client, "torch");
        var expected = await AskAsync(client);

        using var stop = new CancellationTokenSource();
        var asking = Enumerable.Range(0, 3).Select(_ => Task.Run(async () =>
        {
            var answers = new List<string>();
            while (!stop.IsCancellationRequested) answers.Add(await AskAsync(client));
            return answers;
        })).ToList();
        for (var i = 0; i < 6; i++)
        {
            var (backend, folder) = i % 2 == 0 ? ("Onnx", exported) : ("Torch", model);
            Configure(backend, folder);
            await ServesAsync(client, backend.ToLowerInvariant());
        }

        await File.WriteAllTextAsync(config, "{ not JSON");
        await serve.UntilLoggedAsync("cannot be used; what is served stays");
        await stop.CancelAsync();

        var all = (await Task.WhenAll(asking)).SelectMany(answers => answers).ToList();
        all.Should().HaveCountGreaterThan(10).And.OnlyContain(answer => answer == expected, "both backends give the same greedy text, whichever answers");
        (await AskAsync(client)).Should().Be(expected, "a bad change leaves the old model in place");
    }

    private string Configure(string backend, string model) => _folder.WriteWhole("appsettings.json", $$"""
        { "Inference": { "Backend": "{{backend}}", "Model": "{{model}}", "Name": "{{backend.ToLowerInvariant()}}", "Threads": 1 } }
        """);

    private static async Task<string> AskAsync(HttpClient client)
    {
        using var response = await client.PostAsJsonAsync("v1/chat/completions", new { messages = new[] { new { role = "user", content = "中国的首都是哪里？" } }, temperature = 0, max_tokens = 24 });
        var body = await response.Content.ReadAsStringAsync();
        response.IsSuccessStatusCode.Should().BeTrue(body);
        using var document = JsonDocument.Parse(body);
        return document.RootElement.GetProperty("choices")[0].GetProperty("message").GetProperty("content").GetString()!;
    }

    private static async Task ServesAsync(HttpClient client, string name)
    {
        using var limit = new CancellationTokenSource(TimeSpan.FromMinutes(2));
        while (!(await (await client.GetAsync("v1/models", limit.Token)).Content.ReadAsStringAsync(limit.Token)).Contains($"\"{name}\"", StringComparison.Ordinal)) await Task.Delay(100, limit.Token);
    }
}
