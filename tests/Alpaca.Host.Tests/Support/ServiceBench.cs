using System.Collections;
using System.Net;
using System.Net.Sockets;

namespace Alpaca.Host.Tests;

/// <summary>The service as a whole, in this process, over a folder that outlives it.</summary>
internal sealed class ServiceBench : IAsyncDisposable
{
    private readonly CommandBench _bench;
    private CancellationTokenSource _stop = new();
    private Task _service = Task.CompletedTask;

    /// <summary>Writes the configuration; nothing is started.</summary>
    /// <param name="pipelineSections">Sections of the pipeline <c>notes</c> beside its stages, the comma first.</param>
    /// <param name="stages">Its stages.</param>
    public ServiceBench(string pipelineSections, string stages = """ "acme-note": { "Text": "Hello" } """) => _bench = new CommandBench(pipelineSections, stages);

    public TemporaryFolder Folder => _bench.Folder;

    public DropFolder Drops => new(Folder.Combine("drops"), TimeSpan.FromSeconds(0.2));

    public RunStore Runs => new(new SqliteRunDatabase(Folder.Combine("workspace", "runs.db")));

    /// <summary>The runs so far, the first one first.</summary>
    public IReadOnlyList<RunRecord> History => [.. Runs.List(1000).Reverse()];

    /// <summary>Starts it without a server.</summary>
    public void Start(params string[] overrides) => Start(null, ["Serving:Enabled=false", .. overrides]);

    /// <summary>Starts it with a server.</summary>
    /// <returns>A client of the server, which is there once this has returned.</returns>
    public async Task<HttpClient> ServeAsync(params string[] overrides)
    {
        var port = FreePort();
        Start($"http://127.0.0.1:{port}", overrides);
        var client = new HttpClient { BaseAddress = new Uri($"http://127.0.0.1:{port}") };
        await UntilAsync(() => IsThere(client));
        return client;
    }

    private void Start(string? urls, string[] overrides)
    {
        _stop = new CancellationTokenSource();
        var settings = AlpacaSettings.Load(_bench.Configuration, null, overrides, null, new Hashtable());
        _service = WorkerService.RunAsync(settings, verbose: false, urls, _stop.Token);
    }

    private static bool IsThere(HttpClient client)
    {
        try
        {
            using var answer = client.Send(new HttpRequestMessage(HttpMethod.Get, "/health/live"));
            return answer.IsSuccessStatusCode;
        }
        catch (HttpRequestException)
        {
            return false;
        }
    }

    private static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }

    /// <summary>Runs a command by hand beside it.</summary>
    public Task<CommandRun> InvokeAsync(params string[] arguments) => _bench.InvokeAsync(arguments);

    public async Task StopAsync()
    {
        await _stop.CancelAsync();
        await _service.WaitAsync(TimeSpan.FromSeconds(60));
        _stop.Dispose();
    }

    public void Drop(int number)
    {
        var hidden = Folder.Write($"{number}.json", $$"""[{"instruction": "number {{number}}", "output": "{{number}}"}, {"instruction": "and {{number}}", "output": "{{number}}"}]""");
        File.Move(hidden, Path.Combine(Drops.Path, $"{number}.json"));
    }

    /// <summary>Waits until something is so.</summary>
    public async Task UntilAsync(Func<bool> condition)
    {
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        while (!condition())
        {
            if (_service.IsCompleted) await _service;
            await Task.Delay(50, limit.Token);
        }
    }

    /// <summary>Waits until there is such a run.</summary>
    public Task UntilRunAsync(Func<RunRecord, bool> condition) => UntilAsync(() => Directory.Exists(Folder.Combine("workspace")) && History.Any(condition));

    public async ValueTask DisposeAsync()
    {
        if (!_service.IsCompleted) await StopAsync();
        _bench.Dispose();
    }
}
