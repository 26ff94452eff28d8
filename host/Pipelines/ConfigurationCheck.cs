using Alpaca.Abstractions;

namespace Alpaca.Host;

/// <summary>Gathers everything that is wrong with a configuration, in its keys and in its pipelines, so that it is mended once.</summary>
internal sealed class ConfigurationCheck(AlpacaSettings settings)
{
    private readonly List<string> _problems = [.. settings.Problems];

    /// <summary>Keeps what a check finds.</summary>
    public void Try(Action check)
    {
        try
        {
            check();
        }
        catch (AlpacaUsageException e)
        {
            _problems.Add(e.Message);
        }
    }

    /// <summary>Checks a pipeline as a whole against the plugins there are.</summary>
    public void Check(PipelineDefinition pipeline, PipelineValidator validator, IPluginCatalog catalog)
    {
        Try(() => validator.Validate(pipeline));
        Try(() => Question.Read(settings, pipeline, catalog.BackendNames));
    }

    /// <summary>Adds a problem.</summary>
    public void Add(string problem) => _problems.Add(problem);

    /// <summary>Ends the check.</summary>
    /// <exception cref="AlpacaUsageException">Something is wrong; one line for each problem.</exception>
    public void ThrowIfAny()
    {
        if (_problems.Count > 0) throw new AlpacaUsageException(string.Join('\n', _problems));
    }
}
