using System.Collections;
using Alpaca.Abstractions;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;

namespace Alpaca.Host.Tests;

/// <summary>A workspace with the plugin Acme.Notes and everything that runs pipelines over it.</summary>
internal sealed class Workbench : IDisposable
{
    public Workbench(params string[] plugins)
    {
        Catalog = TestPlugins.Load(Folder, plugins.Length == 0 ? ["Acme.Notes"] : plugins);
        Restart();
    }

    public TemporaryFolder Folder { get; } = new();

    public PluginCatalog Catalog { get; }

    public FakeTimeProvider Time { get; } = new(new DateTimeOffset(2026, 1, 2, 3, 4, 5, TimeSpan.Zero));

    public long FreeSpace { get; set; } = 1L << 40;

    /// <summary>What the pipeline has besides stages, beginning with a comma.</summary>
    public string Sections { get; set; } = "";

    public string Workspace => Folder.Combine("workspace");

    public ArtifactStore Store { get; private set; } = null!;

    public RunDatabase Database { get; private set; } = null!;

    public RunStore Runs { get; private set; } = null!;

    public ContentDigests Digests { get; private set; } = null!;

    public ModelRegistry Registry { get; private set; } = null!;

    public PipelinePlanner Planner { get; private set; } = null!;

    public PipelineRunner Runner { get; private set; } = null!;

    /// <summary>Told about runs once <see cref="Restart"/> was called.</summary>
    public List<IRunObserver> Observers { get; } = [];

    /// <summary>Told about versions once <see cref="Restart"/> was called.</summary>
    public List<IRegistryObserver> RegistryObservers { get; } = [];

    /// <summary>Builds everything anew over the same workspace, as a new process would.</summary>
    public void Restart()
    {
        Store = new ArtifactStore(Workspace);
        Database = new SqliteRunDatabase(Path.Combine(Workspace, "runs.db"));
        Runs = new RunStore(Database);
        Digests = new ContentDigests(Database, TimeProvider.System);
        Registry = new ModelRegistry(Store, Time, RegistryObservers, NullLogger<ModelRegistry>.Instance);
        Planner = new PipelinePlanner(new PipelineValidator(Catalog), Store, Registry, Digests);
        Runner = new PipelineRunner(
            Catalog, Planner, Store, Runs, new InProcessStageExecutor(), new PromotionGate(Registry, Store, Time), new DiskSpace(_ => FreeSpace), Time, NullLoggerFactory.Instance, Observers);
    }

    /// <summary>A pipeline with the given stages (the JSON between the braces of <c>Stages</c>).</summary>
    public PipelineDefinition Pipeline(string stages, params string[] overrides)
        => AlpacaSettings.Load(Folder.Write("appsettings.json", $$"""{ "Pipelines": { "notes": { "Stages": { {{stages}} } {{Sections}} } } }"""), null, overrides, null, new Hashtable())
            .GetPipeline(null);

    public Task<RunRecord> RunAsync(string stages, RunOptions? options = null, CancellationToken cancellationToken = default)
        => Runner.RunAsync(Pipeline(stages), options, NullProgress.Instance, cancellationToken);

    public IReadOnlyList<PlannedStage> Plan(string stages, RunOptions? options = null) => Planner.Plan(Pipeline(stages), options);

    /// <summary>The folders below the workspace that are hidden, which only unfinished ones are.</summary>
    public IEnumerable<string> Leftovers()
        => Directory.Exists(Workspace) ? Directory.EnumerateDirectories(Workspace, ".*", SearchOption.AllDirectories) : [];

    public void Dispose()
    {
        Catalog.Dispose();
        Folder.Dispose();
    }
}
