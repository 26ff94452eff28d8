using System.Collections;
using System.Text.RegularExpressions;

namespace Alpaca.Host.Tests;

/// <summary>The service as a whole, in this process, over a folder that outlives it.</summary>
internal sealed partial class ServiceBench : IAsyncDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(3);
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

    /// <summary>What it has logged, all its starts together.</summary>
    public string Log => string.Concat(Directory.GetFiles(Folder.Path, "service*.log").Order(StringComparer.Ordinal).Select(Read));

    /// <summary>Starts it without a server.</summary>
    public void Start(params string[] overrides) => Start(null, ["Serving:Enabled=false", .. overrides]);

    /// <summary>Starts it with a server.</summary>
    /// <returns>A client of the server, which is there once this has returned.</returns>
    public async Task<HttpClient> ServeAsync(params string[] overrides)
    {
        var before = Log.Length;
        Start("http://127.0.0.1:0", overrides);
        await UntilAsync(() => Listening().IsMatch(Log[before..]));
        return new HttpClient { BaseAddress = new Uri(Listening().Match(Log[before..]).Groups[1].Value) };
    }

    private void Start(string? urls, string[] overrides)
    {
        _stop = new CancellationTokenSource();
        var settings = AlpacaSettings.Load(_bench.Configuration, null, [$"Logging:File:Path={Folder.Combine("service.log")}", .. overrides], null, new Hashtable());
        _service = WorkerService.RunAsync(settings, verbose: false, urls, _stop.Token);
    }

    /// <summary>Runs a command by hand beside it.</summary>
    public Task<CommandRun> InvokeAsync(params string[] arguments) => _bench.InvokeAsync(arguments);

    public async Task StopAsync()
    {
        await _stop.CancelAsync();
        await _service.WaitAsync(Patience);
        _stop.Dispose();
    }

    public void Drop(int number)
        => Folder.WriteWhole($"drops/{number}.json", $$"""[{"instruction": "number {{number}}", "output": "{{number}}"}, {"instruction": "and {{number}}", "output": "{{number}}"}]""");

    /// <summary>Gives a run that must not begin the time to begin. Nothing can be waited for where nothing is to happen, so a slow machine may miss a mistake here, but fails nothing that is right.</summary>
    public static Task GiveTimeAsync() => Task.Delay(1500);

    /// <summary>Waits until something is so.</summary>
    public async Task UntilAsync(Func<bool> condition)
    {
        using var limit = new CancellationTokenSource(Patience);
        while (!condition())
        {
            if (_service.IsCompleted) await _service;
            await Task.Delay(50, limit.Token);
        }
    }

    /// <summary>Waits until it has logged something.</summary>
    public Task UntilLoggedAsync(string text) => UntilAsync(() => Log.Contains(text, StringComparison.Ordinal));

    /// <summary>Waits until there is such a run.</summary>
    public Task UntilRunAsync(Func<RunRecord, bool> condition) => UntilAsync(() => Directory.Exists(Folder.Combine("workspace")) && History.Any(condition));

    public async ValueTask DisposeAsync()
    {
        if (!_service.IsCompleted) await StopAsync();
        _bench.Dispose();
    }

    private static string Read(string log)
    {
        using var reader = new StreamReader(new FileStream(log, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete));
        return reader.ReadToEnd();
    }

    [GeneratedRegex(@"Now listening on: (http://\S+)\n")]
    private static partial Regex Listening();
}
