using System.Diagnostics;
using System.Runtime.InteropServices;

namespace Alpaca.IntegrationTests;

/// <summary><c>alpaca serve</c> at a free port, with its log.</summary>
internal sealed partial class ServedProcess : IDisposable
{
    public const int SigTerm = 15;
    public const int SigKill = 9;

    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(5);

    private readonly List<string> _lines = [];
    private readonly TaskCompletionSource<string> _address = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <param name="config">Its configuration.</param>
    /// <param name="environment">What it gets beside the tests' own variables.</param>
    /// <param name="under">A program with arguments that it runs under; <c>setsid</c> makes it the leader of a process group, to which its stages belong.</param>
    public ServedProcess(string config, IReadOnlyDictionary<string, string?>? environment = null, params string[] under)
    {
        Process = AlpacaProcess.StartUnder(under, ["serve", "--config", config, "--urls", "http://127.0.0.1:0"], environment);
        Process.OutputDataReceived += static (_, _) => { };
        Process.ErrorDataReceived += (_, line) => Take(line.Data);
        Process.BeginOutputReadLine();
        Process.BeginErrorReadLine();
    }

    public Process Process { get; }

    public string Log
    {
        get
        {
            lock (_lines) return string.Join('\n', _lines);
        }
    }

    /// <summary>Where it listens, once it does.</summary>
    public async Task<string> AddressAsync()
    {
        await Task.WhenAny(_address.Task, Process.WaitForExitAsync()).WaitAsync(Patience);
        _address.Task.IsCompleted.Should().BeTrue("it should listen; its log was: {0}", Log);
        return await _address.Task;
    }

    /// <summary>A client of its API, once it listens; the caller disposes it.</summary>
    public async Task<HttpClient> ConnectAsync() => new() { BaseAddress = new Uri(await AddressAsync()), Timeout = TimeSpan.FromMinutes(2) };

    /// <summary>Sends a signal to it, and to nobody else.</summary>
    public void Signal(int signal) => Kill(Process.Id, signal).Should().Be(0);

    /// <summary>Sends a signal to it and its stages, where it leads a group.</summary>
    public void SignalGroup(int signal) => Kill(-Process.Id, signal).Should().Be(0);

    /// <summary>Waits until something is so while it runs.</summary>
    public async Task UntilAsync(Func<bool> condition)
    {
        using var limit = new CancellationTokenSource(Patience);
        while (!condition())
        {
            Process.HasExited.Should().BeFalse("its log was: {0}", Log);
            await Task.Delay(100, limit.Token);
        }
    }

    /// <summary>Waits until it has logged something. What it logs comes a moment after what it does.</summary>
    public Task UntilLoggedAsync(string text) => UntilAsync(() => Log.Contains(text, StringComparison.Ordinal));

    public async Task ExitAsync() => await Process.WaitForExitAsync(new CancellationTokenSource(Patience).Token);

    public void Dispose()
    {
        if (!Process.HasExited) Process.Kill(entireProcessTree: true);
        Process.WaitForExit();
        Process.Dispose();
    }

    private void Take(string? line)
    {
        if (line is null) return;
        lock (_lines) _lines.Add(line);
        if (line.IndexOf("http://127.0.0.1:", StringComparison.Ordinal) is >= 0 and var start) _address.TrySetResult(line[start..].Trim().TrimEnd('.', '/'));
    }

    [LibraryImport("libc", EntryPoint = "kill", SetLastError = true)]
    private static partial int Kill(int processId, int signal);
}
