namespace Alpaca.Host;

/// <summary>A pipeline as it is configured; nothing in it has been compared with the plugins yet.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Key">Its configuration key, for example <c>Pipelines:sample</c>.</param>
/// <param name="Paths">What the paths in it mean.</param>
/// <param name="Stages">Its stages, in the order of the file.</param>
public sealed record PipelineDefinition(string Name, string Key, ConfiguredPaths Paths, IReadOnlyList<StageDefinition> Stages)
{
    /// <summary>By which rules its models become what is served; <see langword="null"/> where nothing is registered.</summary>
    public PromotionSettings? Promotion { get; init; }
}

/// <summary>A stage entry of a pipeline.</summary>
/// <param name="Name">The entry's name, unique in its pipeline.</param>
/// <param name="Key">Its configuration key, for example <c>Pipelines:sample:Stages:train</c>.</param>
/// <param name="Uses">The plugin stage it runs; the entry's own name unless configured.</param>
/// <param name="Options">The given options by name. A list's values are escaped (<see cref="OptionList.Escape"/>).</param>
/// <param name="Inputs">By option name, the earlier entries whose artifacts it takes instead of the default wiring; <c>@champion</c> is the champion's.</param>
public sealed record StageDefinition(
    string Name,
    string Key,
    string Uses,
    IReadOnlyDictionary<string, IReadOnlyList<string>> Options,
    IReadOnlyDictionary<string, IReadOnlyList<string>> Inputs);
