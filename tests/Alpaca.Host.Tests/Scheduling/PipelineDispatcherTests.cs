using System.Collections;
using System.Collections.Concurrent;
using Alpaca.Abstractions;
using Microsoft.Extensions.Logging;

namespace Alpaca.Host.Tests;

public sealed class PipelineDispatcherTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly ConcurrentDictionary<string, TaskCompletionSource<RunRecord>> _running = new();
    private readonly RecordingLogger _log = new();
    private readonly PipelineDispatcher _dispatcher;

    public PipelineDispatcherTests()
    {
        var file = _folder.Write("appsettings.json", """{ "Pipelines": { "a": { "Stages": { "x": {} } }, "b": { "Stages": { "x": {} } } } }""");
        _dispatcher = new PipelineDispatcher(AlpacaSettings.Load(file, null, [], null, new Hashtable()), RunAsync, _log);
    }

    public void Dispose()
    {
        _dispatcher.Dispose();
        _folder.Dispose();
    }

    [Fact]
    public async Task RunScheduledAsync_PipelineIsRunning_IsSkippedWithALogLine()
    {
        var first = _dispatcher.RunScheduledAsync("a");

        await _dispatcher.RunScheduledAsync("a").WaitAsync(TimeSpan.FromSeconds(5));

        _log.Lines.Should().ContainSingle().Which.Should().Contain("a is still running").And.Contain("skipped");
        End("a", RunOutcome.Succeeded);
        await first;
    }

    [Fact]
    public async Task RunScheduledAsync_AnotherPipelineIsRunning_WaitsForIt()
    {
        var a = _dispatcher.RunScheduledAsync("a");
        var b = _dispatcher.RunScheduledAsync("b");
        await Task.Delay(50);
        _running.Keys.Should().Equal("a");

        End("a", RunOutcome.Succeeded);
        await a;
        while (!_running.ContainsKey("b")) await Task.Delay(5);
        End("b", RunOutcome.Succeeded);
        await b;
    }

    [Theory]
    [InlineData(RunOutcome.Succeeded, true)]
    [InlineData(RunOutcome.Failed, false)]
    public async Task RunAsync_Ends_SaysWhetherItSucceededAndTellsWhileStillBusy(RunOutcome outcome, bool succeeded)
    {
        bool? idleWhenTold = null;
        var run = _dispatcher.RunAsync("a", "drop", () => idleWhenTold = _dispatcher.WhenIdle("a", () => { }));
        _dispatcher.WhenIdle("a", () => throw new InvalidOperationException("It runs.")).Should().BeFalse();

        End("a", outcome);

        (await run).Should().Be(succeeded);
        idleWhenTold.Should().Be(succeeded ? false : null);
        _dispatcher.WhenIdle("a", () => { }).Should().BeTrue();
    }

    [Fact]
    public async Task RunAsync_ScheduledRunIsUnderWay_FollowsIt()
    {
        var scheduled = _dispatcher.RunScheduledAsync("a");
        var dropped = _dispatcher.RunAsync("a", "drop");
        End("a", RunOutcome.Succeeded);
        await scheduled;
        while (!_running.ContainsKey("a")) await Task.Delay(5);

        End("a", RunOutcome.Succeeded);

        (await dropped).Should().BeTrue();
    }

    [Fact]
    public async Task RunAsync_CannotBeStarted_LogsWhyAndIsIdleAgain()
    {
        var run = _dispatcher.RunAsync("a", "drop");
        _running["a"].SetException(new AlpacaException("Pipeline a is already running in process 7."));

        (await run).Should().BeFalse();
        _log.Lines.Should().ContainSingle().Which.Should().Contain("already running in process 7");
        _dispatcher.WhenIdle("a", () => { }).Should().BeTrue();
    }

    private Task<RunRecord> RunAsync(PipelineDefinition pipeline, RunOptions options, CancellationToken cancellationToken)
        => (_running[pipeline.Name] = new TaskCompletionSource<RunRecord>(TaskCreationOptions.RunContinuationsAsynchronously)).Task;

    private void End(string pipeline, RunOutcome outcome)
    {
        _running.TryRemove(pipeline, out var run).Should().BeTrue();
        run!.SetResult(new RunRecord(1, pipeline, "", outcome, default, default, null, []));
    }

    private sealed class RecordingLogger : ILogger<PipelineDispatcher>
    {
        public ConcurrentQueue<string> Lines { get; } = [];

        public IDisposable? BeginScope<TState>(TState state) where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
            => Lines.Enqueue(formatter(state, exception));
    }
}
