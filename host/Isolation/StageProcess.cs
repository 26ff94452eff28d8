using System.ComponentModel;
using System.Diagnostics;
using System.Runtime.ExceptionServices;
using System.Text;
using Alpaca.Abstractions;
using Microsoft.Extensions.Logging;

namespace Alpaca.Host;

/// <summary>A stage worker's process, seen from the service.</summary>
internal sealed class StageProcess : IDisposable
{
    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(250);

    // Dead processes' pipes may be held open by processes that they started.
    private static readonly TimeSpan PipeTime = TimeSpan.FromSeconds(5);

    // How long a worker may take to unload and end once its stage has.
    private static readonly TimeSpan EndTime = TimeSpan.FromSeconds(15);

    // The service manager's own; a worker must not speak for the service.
    private static readonly string[] ServiceVariables = ["NOTIFY_SOCKET", "WATCHDOG_PID", "WATCHDOG_USEC", "LISTEN_FDS", "LISTEN_PID", "LISTEN_FDNAMES"];

    private readonly string _stage;
    private readonly IsolationSettings _settings;
    private readonly TimeProvider _time;
    private readonly ILogger _log;
    private readonly Process _process;

    private StageProcess(string stage, IsolationSettings settings, TimeProvider time, ILogger log)
    {
        (_stage, _settings, _time, _log) = (stage, settings, time, log);
        _process = Start();
    }

    /// <summary>What it wrote to standard error.</summary>
    public LastWords Words { get; } = new();

    /// <summary>Its exit code, once it has ended.</summary>
    public int ExitCode => _process.ExitCode;

    /// <summary>Why it was ended from here; <see langword="null"/> when it ended by itself.</summary>
    public StageProcessStop? Stopped { get; private set; }

    /// <summary>The memory that was above the limit, in bytes.</summary>
    public long MemoryAtStop { get; private set; }

    /// <summary>Starts a worker.</summary>
    /// <exception cref="AlpacaException">The system starts no more processes.</exception>
    public static StageProcess Start(string stage, IsolationSettings settings, TimeProvider time, ILogger log) => new(stage, settings, time, log);

    /// <summary>Gives it its order, and waits for its end.</summary>
    /// <param name="order">The order.</param>
    /// <param name="relay">Takes what it tells.</param>
    /// <param name="cancellationToken">Tells it to stop, and ends it when it does not in time.</param>
    public async Task RunAsync(StageOrder order, WorkerRelay relay, CancellationToken cancellationToken)
    {
        var output = ReadAsync(_process.StandardOutput, relay.Take);
        var errors = ReadAsync(_process.StandardError, TakeError);
        await SendAsync(WorkerJson.Write(order)).ConfigureAwait(false);
        await WatchAsync(relay, cancellationToken).ConfigureAwait(false);
        var both = Task.WhenAll(output, errors);
        await Task.WhenAny(both, Task.Delay(PipeTime, _time, CancellationToken.None)).ConfigureAwait(false);
        if (both.IsFaulted) await both.ConfigureAwait(false);
    }

    public void Dispose()
    {
        if (!_process.HasExited) Kill();
        _process.Dispose();
    }

    private Process Start()
    {
        var program = SelfProgram.With([StageWorkerVerb.Name]);
        var utf8 = new UTF8Encoding(encoderShouldEmitUTF8Identifier: false);
        var start = new ProcessStartInfo(program[0], program.Skip(1))
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            StandardInputEncoding = utf8,
            StandardOutputEncoding = utf8,
            StandardErrorEncoding = utf8,
            CreateNoWindow = true,
        };
        foreach (var name in ServiceVariables.Concat(SecretKeys.VariablesIn(start.Environment.Keys.ToList()))) start.Environment.Remove(name);
        try
        {
            var process = Process.Start(start)!;
            SetPriority(process);
            _log.WorkerStarted(_stage, process.Id);
            return process;
        }
        catch (Win32Exception e)
        {
            throw new AlpacaException($"The process of stage {_stage} could not be started: {e.Message}.", e);
        }
    }

    // At once: on Linux a priority belongs to a thread, and the threads that come later inherit it from the first.
    private void SetPriority(Process process)
    {
        if (_settings.Priority == ProcessPriorityClass.Normal) return;
        try
        {
            process.PriorityClass = _settings.Priority;
        }
        catch (Exception e) when (e is Win32Exception or InvalidOperationException)
        {
            _log.PriorityNotSet(_stage, _settings.Priority.ToString(), e.Message);
        }
    }

    private async Task WatchAsync(WorkerRelay relay, CancellationToken cancellationToken)
    {
        var exited = _process.WaitForExitAsync(CancellationToken.None);
        var cancelled = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var registration = cancellationToken.Register(cancelled.SetResult).ConfigureAwait(false);
        long? toldToStop = null;
        long? stageEnded = null;
        while (!exited.IsCompleted)
        {
            var tick = Task.Delay(Interval, _time, CancellationToken.None);
            await (toldToStop is null ? Task.WhenAny(exited, tick, cancelled.Task) : Task.WhenAny(exited, tick)).ConfigureAwait(false);
            if (toldToStop is null && cancellationToken.IsCancellationRequested)
            {
                toldToStop = _time.GetTimestamp();
                await SendAsync(StageOrder.Cancel).ConfigureAwait(false);
            }

            if (relay.End.IsCompleted) stageEnded ??= _time.GetTimestamp();
            if (HasPassed(stageEnded, EndTime)) Stop(StageProcessStop.AfterEnd);
            else if (stageEnded is null && HasPassed(toldToStop, _settings.StopTime)) Stop(StageProcessStop.DidNotStop);
            else if (stageEnded is null && _settings.MemoryLimit is { } limit && ProcessMemory.AnonymousBytes(_process) is var memory && memory > limit) StopForMemory(memory);
        }
    }

    private bool HasPassed(long? since, TimeSpan time) => since is { } start && _time.GetElapsedTime(start) > time;

    private void StopForMemory(long memory)
    {
        if (Stopped is null) MemoryAtStop = memory;
        Stop(StageProcessStop.Memory);
    }

    private void Stop(StageProcessStop why)
    {
        Stopped ??= why;
        Kill();
    }

    private void Kill()
    {
        try
        {
            _process.Kill(entireProcessTree: true);
        }
        catch (Exception e) when (e is InvalidOperationException or Win32Exception or AggregateException)
        {
            // It has just ended, or a process that it started has.
        }
    }

    private async Task SendAsync(string line)
    {
        try
        {
            await _process.StandardInput.WriteLineAsync(line).ConfigureAwait(false);
            await _process.StandardInput.FlushAsync(CancellationToken.None).ConfigureAwait(false);
        }
        catch (IOException)
        {
            // It has ended; how tells more than this.
        }
    }

    private void TakeError(string line)
    {
        Words.Add(line);
        _log.WorkerOutput(_stage, line);
    }

    /// <summary>Reads to the end even if somebody cannot take a line: a pipe that nobody empties would hold the worker up.</summary>
    private static async Task ReadAsync(StreamReader reader, Action<string> take)
    {
        Exception? first = null;
        while (await reader.ReadLineAsync(CancellationToken.None).ConfigureAwait(false) is { } line)
        {
            try
            {
                take(line);
            }
            catch (Exception e)
            {
                first ??= e;
            }
        }

        if (first is not null) ExceptionDispatchInfo.Throw(first);
    }
}

/// <summary>Why the service ended a stage's process.</summary>
internal enum StageProcessStop
{
    /// <summary>It used more memory than it may.</summary>
    Memory,

    /// <summary>It was cancelled and went on.</summary>
    DidNotStop,

    /// <summary>Its stage had ended, and it went on.</summary>
    AfterEnd,
}
