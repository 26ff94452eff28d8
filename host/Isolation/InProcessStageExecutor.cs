using Alpaca.Abstractions;

namespace Alpaca.Host;

/// <summary>Runs stages in this process: what stops one natively stops everything.</summary>
public sealed class InProcessStageExecutor : IStageExecutor
{
    /// <inheritdoc />
    public async Task<ArtifactData> ExecuteAsync(PluginStage stage, object request, StageContext context, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(stage);
        return ArtifactData.Of(await stage.ExecuteAsync(request, context, cancellationToken).ConfigureAwait(false));
    }
}
