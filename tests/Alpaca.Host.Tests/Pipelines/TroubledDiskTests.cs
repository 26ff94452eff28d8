namespace Alpaca.Host.Tests.Pipelines;

/// <summary>Runs on disks that are full or read-only, and under clocks that are set.</summary>
public sealed class TroubledDiskTests : IDisposable
{
    private static readonly string Stages = $$""" "acme-note": { "Text": "hello{{new string('.', 2000)}}", "Copies": 80 } """; // more than the disk has left

    private readonly Workbench _bench = new();
    private readonly string _workspace;

    public TroubledDiskTests() => _workspace = _bench.Folder.CreateFolder("workspace");

    public void Dispose() => _bench.Dispose();

    [UnixFact(IsForRoot = true)]
    public async Task RunAsync_FullDisk_FailsForAReasonThatMayPassAndLeavesNothingHalf()
    {
        DropBench.Run("mount", "-t", "tmpfs", "-o", "size=300k", "tmpfs", _workspace);
        try
        {
            File.WriteAllBytes(Path.Combine(_workspace, "ballast"), new byte[150_000]);

            var run = await _bench.RunAsync(Stages);

            run.Should().Match<RunRecord>(failed => failed.Outcome == RunOutcome.Failed && failed.IsTransient, "{0}", run.Error);
            run.Error.Should().StartWith("Stage acme-note failed: ").And.NotContain("   at ");
            _bench.Leftovers().Should().BeEmpty();
            Directory.GetDirectories(Path.Combine(_workspace, "artifacts", "note")).Should().BeEmpty();

            File.Delete(Path.Combine(_workspace, "ballast"));
            (await _bench.RunAsync(Stages)).Outcome.Should().Be(RunOutcome.Succeeded);
            _bench.Runs.List().Select(record => record.Outcome).Should().Equal(RunOutcome.Succeeded, RunOutcome.Failed);
        }
        finally
        {
            DropBench.Run("umount", _workspace);
        }
    }

    [UnixFact(IsForRoot = true)]
    public async Task RunAsync_ReadOnlyDisk_SaysSoAndRunsWhenItCanBeWrittenAgain()
    {
        DropBench.Run("mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", _workspace);
        try
        {
            await _bench.RunAsync(Stages);
            DropBench.Run("mount", "-o", "remount,ro", _workspace);

            await FluentActions.Awaiting(() => _bench.RunAsync(Stages.Replace("hello", "bye", StringComparison.Ordinal))).Should().ThrowAsync<Abstractions.AlpacaException>().WithMessage($"*{_workspace}*--workspace*");

            DropBench.Run("mount", "-o", "remount,rw", _workspace);
            (await _bench.RunAsync(Stages)).Stages.Should().OnlyContain(stage => stage.Skipped, "what was there is still whole");
        }
        finally
        {
            DropBench.Run("umount", _workspace);
        }
    }

    [Fact]
    public async Task RunAsync_ClockIsSetBackByAYear_FindsWhatIsThereAndNamesTheNewestRunFirst()
    {
        var now = _bench.Time.GetUtcNow();
        await _bench.RunAsync(Stages);
        _bench.Time.AdjustTime(now.AddYears(-1));

        var changed = await _bench.RunAsync(Stages.Replace("hello", "bye", StringComparison.Ordinal));
        var again = await _bench.RunAsync(Stages);

        changed.Stages.Single().Outcome.Should().Be(StageOutcome.Succeeded);
        again.Stages.Single().Outcome.Should().Be(StageOutcome.Skipped, "what is up to date is told by content, not by time");
        _bench.Runs.List().Select(run => run.Id).Should().Equal(3, 2, 1);
        _bench.Runs.List().Should().OnlyContain(run => run.Outcome == RunOutcome.Succeeded);
    }
}
