using Alpaca.Abstractions;

namespace Alpaca.Host;

/// <summary>Checks a pipeline as a whole against the plugins there are, and finds the source of every input.</summary>
public sealed class PipelineValidator
{
    private readonly IPluginCatalog _catalog;

    /// <summary>Checks against a catalog.</summary>
    public PipelineValidator(IPluginCatalog catalog)
    {
        ArgumentNullException.ThrowIfNull(catalog);
        _catalog = catalog;
    }

    /// <summary>Checks a pipeline.</summary>
    /// <exception cref="AlpacaUsageException">Something is wrong; one line for each problem, each with its configuration key.</exception>
    public void Validate(PipelineDefinition pipeline) => Wire(pipeline);

    internal WiredPipeline Wire(PipelineDefinition pipeline)
    {
        ArgumentNullException.ThrowIfNull(pipeline);
        var errors = new List<string>();
        var wired = new List<WiredStage>();
        foreach (var definition in pipeline.Stages)
        {
            try
            {
                var stage = _catalog.GetStage(definition.Uses);
                wired.Add(new StageWiring(pipeline, definition, stage, wired).Resolve(errors));
            }
            catch (AlpacaException e)
            {
                errors.Add($"{definition.Key}{(definition.Uses == definition.Name ? "" : ":Uses")}: {e.Message}");
            }
        }

        if (wired.Count == pipeline.Stages.Count) errors.AddRange(ChampionsWithoutArtifact(wired));
        return errors.Count == 0 ? new WiredPipeline(pipeline, wired) : throw new AlpacaUsageException(string.Join(Environment.NewLine, errors));
    }

    /// <summary>The inputs that ask the champion for what no stage of the pipeline makes, one sentence each.</summary>
    private static IEnumerable<string> ChampionsWithoutArtifact(List<WiredStage> stages)
        => from stage in stages
           from option in RequestSchema.Describe(stage.Plugin.RequestType)
           where stage.Wiring.GetValueOrDefault(option.Name, []).Contains(ChampionInput.Name) && !stages.Exists(s => option.ArtifactKinds.Contains(s.Plugin.ArtifactKind))
           select $"{stage.Definition.Key}:Inputs:{option.Name} is {ChampionInput.Name}, but no stage of the pipeline makes a {string.Join(" or ", option.ArtifactKinds)}.";
}
