using System.Collections;
using Alpaca.Abstractions;
using Microsoft.Extensions.Logging;

namespace Alpaca.Host.Tests;

/// <summary>The plugin Acme.Mishaps, and executors for its stage.</summary>
internal sealed class IsolationBench : IDisposable
{
    private readonly RecordingLog _log = new();
    private readonly ILoggerFactory _loggers;

    public IsolationBench()
    {
        TestPlugins.Install(Folder, "Acme.Mishaps");
        Settings = AlpacaSettings.Load(
            Folder.Write("appsettings.json", """{ "Plugins": { "Folder": "plugins", "Settings": { "Motto": "Onwards: 前进" } }, "Logging": { "LogLevel": { "Acme": "Information" } } }"""),
            null, [], null, new Hashtable());
        _loggers = LoggerFactory.Create(logging => logging.SetMinimumLevel(LogLevel.Debug).AddProvider(_log));
        Catalog = new PluginCatalog([Settings.PluginsFolder!], [], Settings.Configuration, _loggers, TimeProvider.System);
        Context = new StageContext
        {
            OutputFolder = Folder.CreateFolder("output"),
            ResumeFolder = Folder.CreateFolder("resume"),
            CacheFolder = Folder.Combine("cache"),
            Progress = Progress,
            Logger = _loggers.CreateLogger("Alpaca.Stage.mine"),
        };
    }

    public TemporaryFolder Folder { get; } = new();

    public AlpacaSettings Settings { get; }

    public PluginCatalog Catalog { get; }

    public StageContext Context { get; }

    public RecordingProgress Progress { get; } = new();

    public IReadOnlyList<string> Log => _log.Lines;

    /// <summary>The stage's first word: its process, priority and out-of-memory score.</summary>
    public string[] Process => File.ReadAllText(Path.Combine(Context.OutputFolder, "process.txt")).Split(' ');

    public int ProcessId => int.Parse(Process[0], System.Globalization.CultureInfo.InvariantCulture);

    /// <summary>A request for the stage; its type is the plugin's, so it is given as text.</summary>
    public object Request(params (string Name, string[] Values)[] options)
    {
        var errors = new List<string>();
        var request = RequestBinder.Bind(
            Catalog.GetStage("acme-mishap").RequestType, options.ToDictionary(o => o.Name, o => (IReadOnlyList<string>)o.Values), errors, name => name);
        errors.Should().BeEmpty();
        return request;
    }

    public Task<ArtifactData> RunAsync(string mishap, IsolationSettings? isolation = null, CancellationToken cancellationToken = default)
        => RunAsync(Request(("Mishap", [mishap])), isolation, cancellationToken);

    public Task<ArtifactData> RunAsync(object request, IsolationSettings? isolation = null, CancellationToken cancellationToken = default)
        => new ChildProcessStageExecutor(Settings, isolation ?? new IsolationSettings(), TimeProvider.System, _loggers).ExecuteAsync(Catalog.GetStage("acme-mishap"), request, Context, cancellationToken);

    public Task<ArtifactData> RunHereAsync(object request) => new InProcessStageExecutor().ExecuteAsync(Catalog.GetStage("acme-mishap"), request, Context);

    /// <summary>Waits until the stage is at work.</summary>
    public async Task StartedAsync(Task run)
    {
        using var limit = new CancellationTokenSource(TimeSpan.FromMinutes(3));
        while (!Progress.Events.Any(e => e.StartsWith("done", StringComparison.Ordinal)))
        {
            if (run.IsCompleted) await run;
            await Task.Delay(50, limit.Token);
        }
    }

    public void Dispose()
    {
        Catalog.Dispose();
        _loggers.Dispose();
        Folder.Dispose();
    }
}
