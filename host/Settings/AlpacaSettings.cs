using System.Collections;
using Alpaca.Abstractions;
using Microsoft.Extensions.Configuration;

namespace Alpaca.Host;

/// <summary>The host's configuration: a JSON file, credential files, environment variables and <c>--set</c>, the later of them winning, checked against the keys there are.</summary>
public sealed class AlpacaSettings
{
    /// <summary>The name of the file that is looked for where none is named.</summary>
    public const string DefaultFileName = "appsettings.json";

    /// <summary>The prefix of environment variables that set keys: <c>ALPACA_Inference__Backend</c> sets <c>Inference:Backend</c>.</summary>
    public const string EnvironmentPrefix = "ALPACA_";

    /// <summary>The plugins that come with the host, in <c>plugins</c> beside the executable.</summary>
    public static string BuiltInPluginsFolder { get; } = Path.Combine(AppContext.BaseDirectory, "plugins");

    private readonly Func<AlpacaSettings> _reload;

    private AlpacaSettings(ConfigurationTree tree, string? file, ConfiguredPaths paths, Func<AlpacaSettings> reload)
    {
        _reload = reload;
        ConfigurationFile = file;
        Paths = paths;
        Configuration = tree.ToConfiguration();
    }

    /// <summary>The configuration file, or <see langword="null"/> when there is none and the defaults hold.</summary>
    public string? ConfigurationFile { get; }

    /// <summary>What the paths in it mean.</summary>
    public ConfiguredPaths Paths { get; }

    /// <summary>Where artifacts, resume folders and the run database are. The default is <c>workspace</c> beside the configuration file.</summary>
    public string WorkspaceFolder => Paths.Workspace;

    /// <summary>A folder of plugins besides the one beside the executable, or <see langword="null"/>.</summary>
    public string? PluginsFolder { get; private init; }

    /// <summary>Where plugins are looked for, in this order.</summary>
    public IReadOnlyList<string> PluginFolders => PluginsFolder is { } folder ? [BuiltInPluginsFolder, folder] : [BuiltInPluginsFolder];

    /// <summary>The plugins that are not loaded.</summary>
    public IReadOnlyList<string> DisabledPlugins { get; private init; } = [];

    /// <summary>The SHA-256 that plugins must have, by name; the others may have any.</summary>
    public IReadOnlyDictionary<string, string> PluginDigests { get; private init; } = new Dictionary<string, string>();

    /// <summary>A folder with an existing libtorch to use instead of the packaged one, or <see langword="null"/>.</summary>
    public string? TorchLibraryPath { get; private init; }

    /// <summary>The pipeline that runs where none is named: <c>DefaultPipeline</c>, else the only one there is, else <see langword="null"/>.</summary>
    public string? DefaultPipeline { get; private init; }

    /// <summary>The pipelines, in the order of the file.</summary>
    public IReadOnlyList<PipelineDefinition> Pipelines { get; private init; } = [];

    /// <summary>Everything as key and value, for sections read elsewhere (<c>Logging</c>, <c>Inference</c>).</summary>
    public IConfiguration Configuration { get; }

    /// <summary>What is wrong with the keys, one line for each problem; empty unless it was read by <see cref="Read(string?, string?, IReadOnlyList{string}, string?)"/>.</summary>
    public IReadOnlyList<string> Problems { get; private init; } = [];

    /// <summary>Reads the same file again, as it is now, with the same overrides.</summary>
    /// <exception cref="AlpacaUsageException">Something in it cannot be used; one line for each problem, each with its key.</exception>
    public AlpacaSettings Reload() => _reload();

    /// <summary>Reads the configuration as <see cref="Load(string?, string?, IReadOnlyList{string}, string?)"/> does, but keeps what is wrong as <see cref="Problems"/>, to be reported together with what the plugins find.</summary>
    public static AlpacaSettings Read(string? configFile, string? workspace, IReadOnlyList<string> overrides, string? pipeline = null)
        => Read(configFile, workspace, overrides, pipeline, Environment.GetEnvironmentVariables());

    /// <summary>Reads the configuration.</summary>
    /// <param name="configFile">The file; where it is <see langword="null"/>, <c>appsettings.json</c> in the current folder, else the one beside the executable, else none.</param>
    /// <param name="workspace">Another workspace, relative to the current folder; <see langword="null"/> for the configured one.</param>
    /// <param name="overrides">
    /// <c>key=value</c>, in order: a full key, or one that begins with <c>Stages</c>, <c>Ask</c>, <c>Schedule</c>, <c>Promotion</c> or <c>Drops</c> and belongs to <paramref name="pipeline"/>.
    /// </param>
    /// <param name="pipeline">The chosen pipeline; <see langword="null"/> for the default one.</param>
    /// <exception cref="AlpacaUsageException">Something in it cannot be used; one line for each problem, each with its key.</exception>
    public static AlpacaSettings Load(string? configFile, string? workspace, IReadOnlyList<string> overrides, string? pipeline = null)
        => Load(configFile, workspace, overrides, pipeline, Environment.GetEnvironmentVariables());

    internal static AlpacaSettings Load(string? configFile, string? workspace, IReadOnlyList<string> overrides, string? pipeline, IDictionary environment)
    {
        var settings = Read(configFile, workspace, overrides, pipeline, environment);
        return settings.Problems.Count == 0 ? settings : throw new AlpacaUsageException(string.Join(Environment.NewLine, settings.Problems));
    }

    private static AlpacaSettings Read(string? configFile, string? workspace, IReadOnlyList<string> overrides, string? pipeline, IDictionary environment)
    {
        ArgumentNullException.ThrowIfNull(overrides);
        var file = Locate(configFile);
        var baseFolder = file is null ? Directory.GetCurrentDirectory() : Path.GetDirectoryName(file)!;
        var tree = file is null ? ConfigurationTree.Empty() : ConfigurationTree.Read(file);

        var errors = new List<string>();
        if (file is not null) SecretKeys.CheckFile(file, tree.Root, errors);
        if (environment[SecretKeys.CredentialsVariable] is string { Length: > 0 } credentials) tree.ApplyCredentials(credentials, errors);
        tree.ApplyEnvironment(environment, errors);
        tree.ApplyOverrides(overrides, pipeline, errors);
        ConfigurationSchema.Check(tree.Root, errors);
        var configuredWorkspace = FolderAt("Workspace") ?? Path.Combine(baseFolder, "workspace");
        var paths = new ConfiguredPaths(baseFolder, configuredWorkspace, workspace is not null ? Path.GetFullPath(workspace) : configuredWorkspace);
        var pipelines = PipelineReader.Read(tree.Root, paths, errors);
        var pluginsFolder = FolderAt("Plugins", "Folder");
        if (pluginsFolder is not null && !Directory.Exists(pluginsFolder))
            errors.Add($"Plugins:Folder is {pluginsFolder}, which does not exist; make it or remove the key.");
        var defaultPipeline = tree.Text("DefaultPipeline") ?? (pipelines.Count == 1 ? pipelines[0].Name : null);
        if (defaultPipeline is not null && !pipelines.Any(p => p.Name == defaultPipeline))
            errors.Add($"DefaultPipeline is '{defaultPipeline}', which is not under Pipelines{NearestName.Suggest(defaultPipeline, pipelines.Select(p => p.Name))}");
        return new AlpacaSettings(tree, file, paths, () => Load(configFile, workspace, overrides, pipeline, environment))
        {
            PluginsFolder = pluginsFolder,
            DisabledPlugins = tree.Texts("Plugins", "Disabled"),
            PluginDigests = new Dictionary<string, string>(PluginDigest.ReadPins(tree.Root, errors), StringComparer.OrdinalIgnoreCase),
            TorchLibraryPath = FolderAt("Torch", "LibraryPath"),
            DefaultPipeline = defaultPipeline,
            Pipelines = pipelines,
            Problems = [.. errors.Select(e => file is null ? e : $"{file}: {e}")],
        };

        string? FolderAt(params string[] path) => tree.Text(path) is { Length: > 0 } text ? Path.GetFullPath(text, baseFolder) : null;
    }

    /// <summary>The pipeline of that name.</summary>
    /// <param name="name">Its name; <see langword="null"/> for the default one.</param>
    /// <exception cref="AlpacaUsageException">There is none of that name.</exception>
    public PipelineDefinition GetPipeline(string? name)
    {
        var known = Pipelines.Select(p => p.Name).ToList();
        var where = ConfigurationFile ?? "the configuration";
        if (Pipelines.Count == 0) throw new AlpacaUsageException($"There is no pipeline in {where}; add one under Pipelines, or name another file with --config.");
        if ((name ?? DefaultPipeline) is not { } wanted)
            throw new AlpacaUsageException($"Name one of the pipelines {string.Join(", ", known)}, or set DefaultPipeline in {where}.");
        return Pipelines.FirstOrDefault(p => p.Name == wanted)
            ?? throw new AlpacaUsageException($"There is no pipeline '{wanted}' in {where} (there is {string.Join(", ", known)}){NearestName.Suggest(wanted, known)}");
    }

    private static string? Locate(string? configFile)
    {
        if (configFile is not null)
        {
            var full = Path.GetFullPath(configFile);
            return File.Exists(full) ? full : throw new AlpacaUsageException($"The configuration file {full} does not exist; correct --config.");
        }

        string[] candidates = [Path.GetFullPath(DefaultFileName), Path.Combine(AppContext.BaseDirectory, DefaultFileName)];
        return candidates.FirstOrDefault(File.Exists);
    }
}
