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

        return errors.Count == 0 ? new WiredPipeline(pipeline, wired) : throw new AlpacaUsageException(string.Join(Environment.NewLine, errors));
    }
}
