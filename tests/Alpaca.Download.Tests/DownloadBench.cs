using System.Collections.Concurrent;
using Alpaca.Abstractions;
using Microsoft.Extensions.Logging;

namespace Alpaca.Download.Tests;

/// <summary>Runs the stage as the host does: each try gets a new output folder, all tries share a resume folder.</summary>
internal sealed class DownloadBench : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly Dictionary<string, string> _variables = [];
    private int _tries;

    public DownloadBench() => Environment = new DownloadEnvironment { Transfers = Fast, Variable = name => _variables.GetValueOrDefault(name) };

    /// <summary>Hardly any waiting.</summary>
    public static TransferSettings Fast { get; } = new() { FirstDelay = TimeSpan.FromMilliseconds(1), Retries = 4, StallTimeout = TimeSpan.FromSeconds(20) };

    /// <summary>Waits as in earnest, for a clock that jumps.</summary>
    public static TransferSettings Jumping { get; } = new() { Retries = 4, StallTimeout = JumpingTime.Patience };

    public DownloadEnvironment Environment { get; set; }

    public TimeProvider Time { get; set; } = TimeProvider.System;

    public IStageProgress Progress { get; set; } = NullProgress.Instance;

    public Messages Log { get; } = new();

    public TemporaryFolder Folder => _folder;

    public string Resume { get; set; } = "resume";

    /// <summary>The output folder of the newest try.</summary>
    public string Output => _folder.Combine($"out{_tries}");

    public void SetVariable(string name, string value) => _variables[name] = value;

    public async Task<WeightsArtifact> RunAsync(DownloadRequest request, CancellationToken cancellationToken = default)
    {
        _tries++;
        return await new Downloader(Environment).ExecuteAsync(request, new StageContext
        {
            OutputFolder = _folder.CreateFolder($"out{_tries}"),
            ResumeFolder = Directory.CreateDirectory(Path.Combine(_folder.Path, Resume)).FullName,
            Progress = Progress,
            Logger = Log,
            TimeProvider = Time,
        }, cancellationToken);
    }

    public Task<WeightsArtifact> RunAsync(string source, string size = "tiny") => RunAsync(new DownloadRequest { Source = source, ModelSize = [size] });

    /// <summary>Runs and expects a clear error.</summary>
    public async Task<AlpacaException> FailAsync(DownloadRequest request)
    {
        var failure = await FluentActions.Awaiting(() => RunAsync(request)).Should().ThrowAsync<AlpacaException>();
        Directory.EnumerateFileSystemEntries(Output).Should().BeEmpty("nothing is published after an error");
        return failure.Which;
    }

    public Task<AlpacaException> FailAsync(string source, string size = "tiny") => FailAsync(new DownloadRequest { Source = source, ModelSize = [size] });

    /// <summary>The output has the files of a folder, byte for byte, and no others except those named.</summary>
    public void ShouldEqual(string source, params string[] besides)
    {
        Names(Output).Except(besides).Should().Equal(Names(source));
        foreach (var name in Names(source))
            File.ReadAllBytes(Path.Combine(Output, name)).AsSpan().SequenceEqual(File.ReadAllBytes(Path.Combine(source, name))).Should().BeTrue($"{name} is the source's");
    }

    public void Dispose() => _folder.Dispose();

    private static IReadOnlyList<string> Names(string folder)
        => [.. Directory.GetFiles(folder, "*", SearchOption.AllDirectories).Select(f => Path.GetRelativePath(folder, f)).Order(StringComparer.Ordinal)];

    /// <summary>A log that is kept.</summary>
    public sealed class Messages : ILogger
    {
        private readonly ConcurrentQueue<string> _messages = new();

        public IReadOnlyCollection<string> All => [.. _messages];

        public IDisposable? BeginScope<TState>(TState state) where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
            => _messages.Enqueue($"{logLevel}: {formatter(state, exception)}{exception}");
    }
}
