using Microsoft.Extensions.Logging.Abstractions;

namespace Alpaca.Abstractions.Tests;

public sealed class StageContextTests
{
    [Fact]
    public void Defaults_AreTheSystemsClockNoCacheAndNoBackends()
    {
        var context = new StageContext { OutputFolder = "out", ResumeFolder = "resume", Progress = NullProgress.Instance, Logger = NullLogger.Instance };

        context.TimeProvider.Should().BeSameAs(TimeProvider.System);
        context.CacheFolder.Should().BeNull();
        context.Backends.Should().BeEmpty().And.BeOfType<Dictionary<string, IInferenceBackend>>().Which.Comparer.Should().Be(StringComparer.OrdinalIgnoreCase);
    }

    [Fact]
    public void NullProgress_WhateverIsReported_TakesItAgainAndAgain()
    {
        var task = NullProgress.Instance.Start("training", null, ProgressUnit.Steps);
        task.SetTotal(-1);
        task.Report(double.NaN);
        task.Dispose();
        task.SetStatus("after its end");

        NullProgress.Instance.Start("again", 1, ProgressUnit.Bytes).Should().BeSameAs(task, "nothing is allocated");
    }
}
