namespace Alpaca.IntegrationTests;

/// <summary>The executable serving the sample's base model on a port of its own.</summary>
public sealed class ServedSample : IAsyncLifetime, IDisposable
{
    /// <summary>The collection of the tests that share it.</summary>
    public const string Collection = "Served sample";

    private readonly TemporaryFolder _folder = new();
    private readonly SampleModels _models = new();
    private ServedProcess? _serve;

    /// <summary>Where it listens, with a slash at the end.</summary>
    public string Address { get; private set; } = "";

    /// <summary>What the model is called.</summary>
    public string ModelName { get; } = "sample";

    public async Task InitializeAsync()
    {
        var config = _folder.Write("appsettings.json", $$"""
            { "Inference": { "Backend": "Torch", "Model": "{{await _models.ModelAsync()}}", "Name": "{{ModelName}}", "Threads": 1 } }
            """);
        _serve = new ServedProcess(config);
        using var client = await _serve.ConnectAsync();
        Address = client.BaseAddress!.AbsoluteUri;
        await _serve.UntilAsync(() => client.GetStringAsync("v1/models").GetAwaiter().GetResult().Contains(ModelName, StringComparison.Ordinal));
    }

    public Task DisposeAsync() => Task.CompletedTask;

    public void Dispose()
    {
        _serve?.Dispose();
        _models.Dispose();
        _folder.Dispose();
    }
}

/// <summary>Ties the shared server to its collection.</summary>
[CollectionDefinition(ServedSample.Collection)]
public sealed class ServedSampleCollection : ICollectionFixture<ServedSample>;
