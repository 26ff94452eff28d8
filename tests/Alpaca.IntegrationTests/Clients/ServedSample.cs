using System.Diagnostics;
using System.Net;
using System.Net.Sockets;

namespace Alpaca.IntegrationTests;

/// <summary>The executable serving the sample's base model on a port of its own.</summary>
public sealed class ServedSample : IAsyncLifetime, IDisposable
{
    /// <summary>The collection of the tests that share it.</summary>
    public const string Collection = "Served sample";

    private readonly TemporaryFolder _folder = new();
    private readonly SampleModels _models = new();
    private readonly System.Text.StringBuilder _log = new();
    private Process? _serve;

    /// <summary>Where it listens, with a slash at the end.</summary>
    public string Address { get; private set; } = "";

    /// <summary>What the model is called.</summary>
    public string ModelName { get; } = "sample";

    /// <summary>What it has logged.</summary>
    public string Log
    {
        get
        {
            lock (_log) return _log.ToString();
        }
    }

    public async Task InitializeAsync()
    {
        Address = $"http://127.0.0.1:{FreePort()}/";
        var config = _folder.Write("appsettings.json", $$"""
            { "Inference": { "Backend": "Torch", "Model": "{{await _models.ModelAsync()}}", "Name": "{{ModelName}}", "Threads": 1 } }
            """);
        _serve = AlpacaProcess.Start("serve", "--config", config, "--urls", Address.TrimEnd('/'));
        _serve.ErrorDataReceived += (_, line) =>
        {
            lock (_log) _log.AppendLine(line.Data);
        };
        _serve.BeginErrorReadLine();
        await ReadyAsync();
    }

    public async Task DisposeAsync()
    {
        if (_serve is { HasExited: false })
        {
            _serve.Kill();
            await _serve.WaitForExitAsync();
        }
    }

    public void Dispose()
    {
        _serve?.Dispose();
        _models.Dispose();
        _folder.Dispose();
    }

    private async Task ReadyAsync()
    {
        using var client = new HttpClient { BaseAddress = new Uri(Address) };
        using var limit = new CancellationTokenSource(TimeSpan.FromMinutes(2));
        while (true)
        {
            _serve!.HasExited.Should().BeFalse("it should serve, but said {0}", Log);
            try
            {
                if ((await client.GetAsync("v1/models", limit.Token)).IsSuccessStatusCode && (await client.GetStringAsync("v1/models", limit.Token)).Contains(ModelName, StringComparison.Ordinal)) return;
            }
            catch (HttpRequestException)
            {
                // It does not listen yet.
            }

            await Task.Delay(100, limit.Token);
        }
    }

    private static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }
}

/// <summary>Ties the shared server to its collection.</summary>
[CollectionDefinition(ServedSample.Collection)]
public sealed class ServedSampleCollection : ICollectionFixture<ServedSample>;
