using System.Globalization;
using System.Text;
using Alpaca.Abstractions;

namespace Alpaca.Host;

/// <summary>Which model is to be served, and as what.</summary>
/// <param name="Name">What clients call it.</param>
/// <param name="Model">The model and how it is loaded.</param>
/// <param name="Swap">What goes first when it takes another one's place.</param>
internal sealed record ServingPlan(string Name, ModelOptions Model, SwapOrder Swap)
{
    /// <summary>Differs between plans for which something has to be loaded: options, and names, sizes and times of the files.</summary>
    public required string Fingerprint { get; init; }

    /// <summary>The version of the registry that it is; <see langword="null"/> for a model that is none.</summary>
    public ModelVersion? Version { get; init; }

    /// <summary>A question that the model must be able to answer before it takes over; the default is none.</summary>
    public string? TrialPrompt { get; init; }

    /// <summary>What configuration names, else the default pipeline's champion, or its newest model where it has no section <c>Promotion</c>.</summary>
    /// <returns><see langword="null"/> where there is no model yet.</returns>
    /// <exception cref="AlpacaUsageException">The configuration cannot be used; one line for each problem.</exception>
    /// <exception cref="AlpacaException">The registry cannot be read, or the champion's files are gone.</exception>
    public static ServingPlan? Read(AlpacaSettings settings, IPluginCatalog catalog, ArtifactStore store, ModelRegistry registry)
    {
        var inference = InferenceSettings.Read(settings);
        catalog.GetBackend(inference.Backend);
        var pipeline = inference.Model is null && settings.DefaultPipeline is not null ? settings.GetPipeline(null) : null;
        if (pipeline is { Promotion: not null }) return registry.Champion(pipeline.Name) is { } champion ? Of(champion, pipeline, inference, settings, catalog, store) : null;
        var folder = inference.Model ?? (pipeline is null ? null : BackendArtifacts.Newest(pipeline, inference.Backend, catalog, store));
        return folder is null ? null : Create(folder, pipeline, inference) with { TrialPrompt = TrialPromptOf(pipeline, settings, catalog) };
    }

    /// <summary>What would be served if a pipeline's champion were the one before.</summary>
    /// <param name="failed">What cannot be served.</param>
    /// <param name="settings">The configuration as it is now.</param>
    /// <param name="catalog">The plugins.</param>
    /// <param name="store">The artifacts.</param>
    /// <param name="registry">The versions.</param>
    /// <returns><see langword="null"/> where that is no champion, or was the first one.</returns>
    /// <exception cref="AlpacaException">The registry or the configuration cannot be used.</exception>
    public static ServingPlan? BeforeChampion(ServingPlan failed, AlpacaSettings settings, IPluginCatalog catalog, ArtifactStore store, ModelRegistry registry)
    {
        if (failed.Version is not { } version) return null;
        var aliases = registry.Aliases(version.Pipeline);
        if (aliases.Champion != version.Number || aliases.Previous is not { } previous) return null;
        return Of(registry.Get(version.Pipeline, previous), settings.GetPipeline(version.Pipeline), InferenceSettings.Read(settings), settings, catalog, store);
    }

    private static ServingPlan Of(ModelVersion version, PipelineDefinition pipeline, InferenceSettings inference, AlpacaSettings settings, IPluginCatalog catalog, ArtifactStore store)
        => Create(BackendArtifacts.FolderInVersion(version, inference.Backend, store), pipeline, inference) with { Version = version, TrialPrompt = TrialPromptOf(pipeline, settings, catalog) };

    private static ServingPlan Create(string folder, PipelineDefinition? pipeline, InferenceSettings inference)
    {
        var model = new ModelOptions { Backend = inference.Backend, Folder = folder, Template = inference.Template, Inference = inference.Options };
        var name = inference.Name ?? pipeline?.Name ?? Path.GetFileName(Path.TrimEndingDirectorySeparator(folder));
        return new ServingPlan(name, model, inference.Swap) { Fingerprint = FingerprintOf(name, model) };
    }

    private static string? TrialPromptOf(PipelineDefinition? pipeline, AlpacaSettings settings, IPluginCatalog catalog)
        => pipeline is null ? null : Question.Read(settings, pipeline, catalog.BackendNames)?.Prompt;

    private static string FingerprintOf(string name, ModelOptions model)
    {
        var text = new StringBuilder();
        var inference = model.Inference;
        text.AppendLine(CultureInfo.InvariantCulture, $"{name}|{model.Backend}|{model.Folder}|{model.Template}");
        text.AppendLine(CultureInfo.InvariantCulture, $"{inference.Device}|{inference.Threads}|{inference.Precision}|{inference.ContextLength}|{inference.MaxConcurrency}|{inference.ReusePrefixes}");
        AppendFiles(model.Folder);
        foreach (var adapter in inference.Adapters)
        {
            text.AppendLine(CultureInfo.InvariantCulture, $"{adapter.Name}|{adapter.Folder}");
            AppendFiles(adapter.Folder);
        }

        return text.ToString();

        void AppendFiles(string folder)
        {
            if (!Directory.Exists(folder)) return;
            foreach (var file in new DirectoryInfo(folder).EnumerateFiles().OrderBy(file => file.Name, StringComparer.Ordinal))
                text.AppendLine(CultureInfo.InvariantCulture, $"{file.Name}|{file.Length}|{file.LastWriteTimeUtc.Ticks}");
        }
    }
}
