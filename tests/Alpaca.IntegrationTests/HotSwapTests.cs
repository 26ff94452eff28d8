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
        await client.ServesAsync("torch");
        var expected = await client.AskAsync();

        using var stop = new CancellationTokenSource();
        var asking = Enumerable.Range(0, 3).Select(_ => client.AskUntilAsync(stop.Token)).ToList();
        for (var i = 0; i < 6; i++)
        {
            var (backend, folder) = i % 2 == 0 ? ("Onnx", exported) : ("Torch", model);
            Configure(backend, folder);
            await client.ServesAsync(backend.ToLowerInvariant());
        }

        await File.WriteAllTextAsync(config, "{ not JSON");
        await serve.UntilLoggedAsync("cannot be used; what is served stays");
        await stop.CancelAsync();

        var all = (await Task.WhenAll(asking)).SelectMany(answers => answers).ToList();
        all.Should().HaveCountGreaterThan(10).And.OnlyContain(answer => answer == expected, "both backends give the same greedy text, whichever answers");
        (await client.AskAsync()).Should().Be(expected, "a bad change leaves the old model in place");
    }

    private string Configure(string backend, string model) => _folder.WriteWhole("appsettings.json", $$"""
        { "Inference": { "Backend": "{{backend}}", "Model": "{{model}}", "Name": "{{backend.ToLowerInvariant()}}", "Threads": 1 } }
        """);
}
