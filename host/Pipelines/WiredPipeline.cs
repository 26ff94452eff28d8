namespace Alpaca.Host;

/// <summary>A pipeline that has been checked as a whole: every stage is there, every option is valid, every input has a source.</summary>
/// <param name="Definition">The configured pipeline.</param>
/// <param name="Stages">Its stages, in order.</param>
/// <remarks>Holds plugin stages: use it for one plan or run and let it go.</remarks>
internal sealed record WiredPipeline(PipelineDefinition Definition, IReadOnlyList<WiredStage> Stages);

/// <summary>A stage entry with its plugin stage and the sources of its inputs.</summary>
/// <param name="Definition">The configured entry.</param>
/// <param name="Plugin">The plugin stage.</param>
/// <param name="Wiring">By option name, the earlier entries whose artifacts fill it.</param>
internal sealed record WiredStage(StageDefinition Definition, PluginStage Plugin, IReadOnlyDictionary<string, IReadOnlyList<string>> Wiring)
{
    public string Name => Definition.Name;
}
