using Alpaca.Abstractions;

namespace Alpaca.Host;

/// <summary>Where the stages of pipelines run.</summary>
public interface IStageExecutor
{
    /// <summary>Runs a stage to its end.</summary>
    /// <param name="stage">The stage.</param>
    /// <param name="request">An instance of <see cref="PluginStage.RequestType"/>.</param>
    /// <param name="context">Where it writes and whom it tells.</param>
    /// <param name="cancellationToken">Ends the stage early.</param>
    /// <returns>What it made, as plain data; the files are in the context's output folder.</returns>
    /// <exception cref="AlpacaException">The stage failed for a reason the user can mend.</exception>
    /// <exception cref="OperationCanceledException">It was cancelled.</exception>
    Task<ArtifactData> ExecuteAsync(PluginStage stage, object request, StageContext context, CancellationToken cancellationToken = default);
}
