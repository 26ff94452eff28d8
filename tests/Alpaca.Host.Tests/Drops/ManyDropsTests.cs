using System.Diagnostics;
using Xunit.Abstractions;

namespace Alpaca.Host.Tests;

/// <summary>Very many files, and several workers at them.</summary>
public sealed class ManyDropsTests(ITestOutputHelper output) : IDisposable
{
    private const int Files = 10_000;
    private readonly DropBench _bench = new();

    public void Dispose() => _bench.Dispose();

    [Fact]
    [Trait("Category", "Slow")]
    public void Scan_TenThousandFiles_AreAllTakenInOneLook()
    {
        for (var i = 0; i < Files; i++) _bench.Put($"{i:D5}.json", i % 10 == 9 ? "bad" : i % 10 == 8 ? DropBench.Row(i - 1) : DropBench.Row(i));
        _bench.Scan().Should().Be(0);
        _bench.Time.Advance(_bench.Drops.Quiet);
        var watch = Stopwatch.StartNew();

        _bench.Scan().Should().Be(Files * 8 / 10);

        output.WriteLine($"{Files} files in {watch.Elapsed.TotalSeconds:F1} s");
        _bench.Left.Should().BeEmpty();
        _bench.Accepted.Should().HaveCount(Files * 8 / 10);
        _bench.Rejected.Should().HaveCount(2 * Files * 2 / 10);
        NewSamples.Read(_bench.Drops).Count.Should().Be(Files * 8 / 10);
        _bench.Reason("00018.json").Reason.Should().EndWith("-00017.json.");
    }

    [Fact]
    public void Scan_PipelineStartsBetweenTwoLots_TheRestWaits()
    {
        for (var i = 0; i < 600; i++) _bench.Put($"{i:D3}.json", DropBench.Row(i));
        _bench.Scan();
        _bench.Time.Advance(_bench.Drops.Quiet);
        var asked = 0;

        var accepted = _bench.Scanner.Scan(action =>
        {
            if (++asked > 1) return false;
            action();
            return true;
        });

        (accepted, asked, _bench.Left.Count).Should().Be((256, 2, 344));
        NewSamples.Read(_bench.Drops).Count.Should().Be(256);
        _bench.Scan().Should().Be(344);
    }

    [Fact]
    public void Scan_Cancelled_StopsBetweenTwoLotsAndLosesNothing()
    {
        for (var i = 0; i < 600; i++) _bench.Put($"{i:D3}.json", DropBench.Row(i));
        _bench.Scan();
        _bench.Time.Advance(_bench.Drops.Quiet);
        using var stop = new CancellationTokenSource();

        var scan = () => _bench.Scanner.Scan(
            action =>
            {
                action();
                stop.Cancel();
                return true;
            },
            stop.Token);

        scan.Should().Throw<OperationCanceledException>();
        (_bench.Accepted.Count, _bench.Left.Count, NewSamples.Read(_bench.Drops).Count).Should().Be((256, 344, 256));
        _bench.Scan().Should().Be(344);
    }

    [Fact]
    public void Scan_SameContentManyTimesAtOnce_IsTakenOnceAndNotedOnce()
    {
        for (var i = 0; i < 300; i++) _bench.Put($"{i:D3}.json", DropBench.Good);

        _bench.ScanWhenStill().Should().Be(1);

        _bench.Accepted.Should().ContainSingle();
        _bench.Rejected.Should().HaveCount(2 * 299);
        NewSamples.Read(_bench.Drops).Count.Should().Be(1);
    }

    [Fact]
    public void Scan_SameBadNameAgainAndAgain_KeepsAll()
    {
        for (var i = 0; i < 120; i++)
        {
            _bench.Put("bad.json", $"bad {i}");
            _bench.ScanWhenStill();
        }

        _bench.Rejected.Should().HaveCount(2 * 120);
        Directory.GetFiles(_bench.Drops.Rejected).Where(file => !file.EndsWith(DropReason.Ending, StringComparison.Ordinal)).Select(File.ReadAllText).Should().OnlyHaveUniqueItems();
    }

    [Fact]
    public void Scan_AnotherWorkerAcceptedTheContentAMomentAgo_IsADuplicate()
    {
        _bench.Put("one.json", DropBench.Good);
        var (first, second) = (_bench.NewScanner(), _bench.NewScanner());
        _bench.Scan(first);
        _bench.Scan(second);
        _bench.Time.Advance(_bench.Drops.Quiet);
        _bench.IsBusy = true;
        _bench.Scan(second).Should().Be(0, "it has listed what was accepted, and waits");
        _bench.IsBusy = false;
        _bench.Scan(first).Should().Be(1);
        _bench.Put("two.json", DropBench.Good);

        _bench.ScanWhenStill(second).Should().Be(0);

        _bench.Accepted.Should().ContainSingle();
        _bench.Reason("two.json").Reason.Should().Contain("duplicate of accepted/");
        NewSamples.Read(_bench.Drops).Count.Should().Be(1);
    }

    [Fact]
    public void Scan_AcceptedFileWasTakenAway_IsTakenAgain()
    {
        _bench.Put("one.json", DropBench.Good);
        _bench.ScanWhenStill().Should().Be(1);
        File.Delete(Path.Combine(_bench.Drops.Accepted, _bench.Accepted[0]));
        _bench.Put("one.json", DropBench.Good);

        _bench.ScanWhenStill().Should().Be(1);
    }

    [Fact]
    public void Scan_MoveWasCutShortAfterTheReason_GoesOnUnderTheSameName()
    {
        _bench.Put("bad.json", "bad");
        _bench.ScanWhenStill();
        File.Move(Path.Combine(_bench.Drops.Rejected, "bad.json"), _bench.PathOf("bad.json"));

        _bench.ScanWhenStill();

        _bench.Rejected.Should().Equal("bad.json", "bad.json.reason.json");
        _bench.Left.Should().BeEmpty();
    }
}
