namespace Alpaca.Host;

/// <summary>Told what becomes of runs, on the thread that runs them: it has to be quick, and what it throws is logged and otherwise ignored.</summary>
public interface IRunObserver
{
    /// <summary>A run has started.</summary>
    void RunStarted(RunRecord run);

    /// <summary>A stage has started, was skipped or has ended.</summary>
    void StageChanged(RunRecord run, StageRecord stage);

    /// <summary>A run has ended, whatever its outcome.</summary>
    void RunEnded(RunRecord run);
}
