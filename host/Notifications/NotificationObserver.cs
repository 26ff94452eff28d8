namespace Alpaca.Host;

/// <summary>Puts what becomes of runs and versions into the inbox, from where it is sent by others: nothing here waits.</summary>
internal sealed class NotificationObserver(NotificationInbox inbox, TimeProvider time) : IRunObserver, IRegistryObserver
{
    /// <summary>The longest reason that is told, in characters: an error may quote a whole file.</summary>
    public const int LongestReason = 2000;

    /// <inheritdoc />
    public void RunStarted(RunRecord run)
    {
    }

    /// <inheritdoc />
    public void StageChanged(RunRecord run, StageRecord stage)
    {
    }

    /// <inheritdoc />
    public void RunEnded(RunRecord run)
    {
        if (run.Outcome is not (RunOutcome.Succeeded or RunOutcome.Failed)) return;
        inbox.Add(Create(run.Outcome == RunOutcome.Succeeded ? NotificationEvent.Succeeded : NotificationEvent.Failed, run.Pipeline, run.Error ?? run.Verdict?.Reason, run.Verdict) with
        {
            Run = run.Id,
            Trigger = run.Trigger,
            Outcome = run.Outcome,
            Stage = run.Stages.LastOrDefault(stage => stage.Outcome == StageOutcome.Failed)?.Name,
            StartedAt = run.StartedAt,
            EndedAt = run.FinishedAt ?? time.GetUtcNow(),
        });
    }

    /// <summary>A run was due, and could not even be started: there is no record of it, so that only this and the log tell of it.</summary>
    public void RunNotStarted(string pipeline, string trigger, string reason)
        => inbox.Add(Create(NotificationEvent.Failed, pipeline, reason, verdict: null) with { Trigger = trigger, Outcome = RunOutcome.Failed });

    /// <inheritdoc />
    public void Promoted(string pipeline, ModelVersion version, string reason) => Add(NotificationEvent.Promoted, pipeline, version, reason);

    /// <inheritdoc />
    public void Rejected(string pipeline, ModelVersion version, string reason) => Add(NotificationEvent.Rejected, pipeline, version, reason);

    /// <inheritdoc />
    public void RolledBack(string pipeline, ModelVersion version, string reason) => Add(NotificationEvent.RolledBack, pipeline, version, reason);

    private void Add(NotificationEvent what, string pipeline, ModelVersion version, string reason)
        => inbox.Add(Create(what, pipeline, reason, version.Verdict) with { Run = version.RunId, Version = version.Number });

    private Notification Create(NotificationEvent what, string pipeline, string? reason, PromotionVerdict? verdict) => new()
    {
        Id = Guid.NewGuid().ToString("N"),
        Event = what,
        Pipeline = pipeline,
        Reason = reason is null ? null : WholeText.Cut(reason, LongestReason),
        EndedAt = time.GetUtcNow(),
        Version = verdict?.Version,
        Verdict = verdict,
        Machine = Environment.MachineName,
    };
}
