using Alpaca.Abstractions;
using Microsoft.Extensions.Time.Testing;

namespace Alpaca.Host.Tests;

public sealed class WorkerProgressTests
{
    [Fact]
    public void Report_ManyTimesBetweenTicks_TellsTheLastOnly()
    {
        var (messages, time) = (new List<WorkerMessage>(), new FakeTimeProvider());
        using var progress = new WorkerProgress(messages.Add, time);

        using (var task = progress.Start("training", 600, ProgressUnit.Steps))
        {
            for (var i = 0; i < 50; i++) task.Report(i);
            task.SetStatus("loss 1.2");
            time.Advance(TimeSpan.FromMilliseconds(300));
            task.Report(600);
        }

        messages.Should().Equal(
            new TaskStarted(1, "training", 600, ProgressUnit.Steps), new TaskChanged(1, 49, null, "loss 1.2"), new TaskChanged(1, 600, null, null), new TaskEnded(1));
    }
}
