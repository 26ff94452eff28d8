namespace Alpaca.Host;

/// <summary>A pipeline that has been checked as a whole: every stage is there, every option is valid, every input has a source.</summary>
/// <param name="Definition">The configured pipeline.</param>
/// <param name="Stages">Its stages, in order.</param>
/// <remarks>Holds plugin stages: use it for one plan or run and let it go.</remarks>
internal sealed record WiredPipeline(PipelineDefinition Definition, IReadOnlyList<WiredStage> Stages)
{
    /// <summary>The champion with which a run works and compares, whatever is promoted meanwhile; <see langword="null"/> where there is none.</summary>
    public ModelVersion? Champion { get; init; }

    /// <summary>Whether it has all of the pipeline's stages.</summary>
    public bool IsWhole => Stages.Count == Definition.Stages.Count;
}

/// <summary>A stage entry with its plugin stage and the sources of its inputs.</summary>
/// <param name="Definition">The configured entry.</param>
/// <param name="Plugin">The plugin stage.</param>
/// <param name="Wiring">By option name, the earlier entries whose artifacts fill it, or <see cref="ChampionInput.Name"/>.</param>
internal sealed record WiredStage(StageDefinition Definition, PluginStage Plugin, IReadOnlyDictionary<string, IReadOnlyList<string>> Wiring)
{
    public string Name => Definition.Name;
}
