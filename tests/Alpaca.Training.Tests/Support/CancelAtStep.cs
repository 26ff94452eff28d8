using Alpaca.Abstractions;

namespace Alpaca.Training.Tests;

/// <summary>A progress that asks for the end once a number of steps is done.</summary>
internal sealed class CancelAtStep(int step) : IStageProgress, IDisposable
{
    private readonly CancellationTokenSource _source = new();

    public CancellationToken Token => _source.Token;

    public IProgressTask Start(string description, double? total, ProgressUnit unit) => unit == ProgressUnit.Steps ? new StepTask(this) : NullProgress.Instance;

    public void Dispose() => _source.Dispose();

    private sealed class StepTask(CancelAtStep owner) : IProgressTask
    {
        public void Report(double done)
        {
            if (done >= owner.Threshold) owner._source.Cancel();
        }

        public void SetTotal(double total) { }

        public void SetStatus(string status) { }

        public void Dispose() { }
    }

    private int Threshold => step;
}
