using System.Collections;
using Microsoft.Extensions.Logging.Abstractions;

namespace Alpaca.Host.Tests;

/// <summary>The watcher with real time and a real folder, over a pipeline that the test plays.</summary>
public sealed class DropWatcherTests : IAsyncLifetime, IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly List<string> _triggers = [];
    private readonly SemaphoreSlim _started = new(0);
    private readonly SemaphoreSlim _mayEnd = new(0);
    private PipelineDispatcher _dispatcher = null!;
    private DropWatcher _watcher = null!;
    private DropFolder _drops = null!;
    private RunOutcome _outcome = RunOutcome.Succeeded;

    public Task InitializeAsync()
    {
        var file = _folder.Write("appsettings.json", """{ "Pipelines": { "notes": { "Stages": { "acme-note": { "Text": "x" } } } } }""");
        _drops = new DropFolder(_folder.Combine("drops"), TimeSpan.FromSeconds(0.3));
        _drops.Create();
        _dispatcher = new PipelineDispatcher(AlpacaSettings.Load(file, null, [], null, new Hashtable()), RunAsync, NullLogger<PipelineDispatcher>.Instance);
        return StartAsync();
    }

    public async Task DisposeAsync()
    {
        _mayEnd.Release(100);
        await _watcher.StopAsync(CancellationToken.None);
    }

    public void Dispose()
    {
        _watcher.Dispose();
        _dispatcher.Dispose();
        _started.Dispose();
        _mayEnd.Dispose();
        _folder.Dispose();
    }

    [Fact]
    public async Task Drop_DuringARun_StartsExactlyOneMoreAfterIt()
    {
        Drop(1);
        await StartedAsync();
        Drop(2);
        Drop(3);
        await Task.Delay(1500);
        Directory.GetFiles(_drops.Accepted).Should().HaveCount(1, "the data of a run does not change under it");
        _triggers.Should().Equal("drop");

        _mayEnd.Release();
        await StartedAsync();
        Directory.GetFiles(_drops.Accepted).Should().HaveCount(3);
        _mayEnd.Release();
        await UntilAsync(() => !File.Exists(_drops.RunOwedMarker));

        await Task.Delay(700);
        _triggers.Should().Equal("drop", "drop");
    }

    [Fact]
    public async Task Drop_ItsRunFails_IsRunAgainAfterARestart()
    {
        _outcome = RunOutcome.Failed;
        Drop(1);
        await StartedAsync();
        _mayEnd.Release();
        await UntilAsync(() => _dispatcher.WhenIdle("notes", () => { }));
        File.Exists(_drops.RunOwedMarker).Should().BeTrue();

        await _watcher.StopAsync(CancellationToken.None);
        _watcher.Dispose();
        _outcome = RunOutcome.Succeeded;
        await StartAsync();
        await StartedAsync();
        _mayEnd.Release();

        await UntilAsync(() => !File.Exists(_drops.RunOwedMarker));
    }

    [Fact]
    public async Task StopAsync_DuringARun_WaitsUntilItHasCheckpointed()
    {
        Drop(1);
        await StartedAsync();

        await _watcher.StopAsync(CancellationToken.None).WaitAsync(TimeSpan.FromSeconds(10));

        _dispatcher.WhenIdle("notes", () => { }).Should().BeTrue("the run was cancelled and has ended");
        File.Exists(_drops.RunOwedMarker).Should().BeTrue();
    }

    private async Task<RunRecord> RunAsync(PipelineDefinition pipeline, RunOptions options, CancellationToken cancellationToken)
    {
        lock (_triggers) _triggers.Add(options.Trigger);
        _started.Release();
        await _mayEnd.WaitAsync(cancellationToken);
        return new RunRecord(1, pipeline.Name, options.Trigger, _outcome, default, default, null, []);
    }

    private async Task StartAsync()
    {
        _watcher = new DropWatcher("notes", _drops, _dispatcher, TimeProvider.System, NullLogger<DropWatcher>.Instance);
        await _watcher.StartAsync(CancellationToken.None);
    }

    private void Drop(int number)
    {
        var hidden = _folder.Write($"{number}.json", $$"""[{"instruction": "number {{number}}", "output": "{{number}}"}]""");
        File.Move(hidden, Path.Combine(_drops.Path, $"{number}.json"));
    }

    private async Task StartedAsync() => (await _started.WaitAsync(TimeSpan.FromSeconds(30))).Should().BeTrue("the run starts");

    private static async Task UntilAsync(Func<bool> condition)
    {
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(30));
        while (!condition()) await Task.Delay(20, limit.Token);
    }
}
