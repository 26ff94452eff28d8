using Alpaca.Abstractions;
using Microsoft.Extensions.Time.Testing;

namespace Alpaca.Host.Tests;

public sealed class LineProgressTests
{
    private readonly FakeTimeProvider _time = new();
    private readonly List<string> _lines = [];

    [Fact]
    public void Report_FastWork_WritesAtMostALineASecond()
    {
        using (var task = Start(1000))
        {
            for (var i = 1; i <= 1000; i++)
            {
                _time.Advance(TimeSpan.FromMilliseconds(3));
                task.Report(i);
            }
        }

        _lines.Should().HaveCount(3).And.SatisfyRespectively(
            first => first.Should().Be("training: 334 of 1000 steps (33 %), 332 steps/s, 2.0 s left"),
            second => second.Should().StartWith("training: 668 of 1000 steps (66 %)"),
            last => last.Should().Be("training: 1000 of 1000 steps (100 %), 333 steps/s"));
    }

    [Fact]
    public void Report_SlowWork_WritesEveryFiveSeconds()
    {
        using var task = Start(10000);
        for (var i = 1; i <= 20; i++)
        {
            _time.Advance(TimeSpan.FromSeconds(1));
            task.Report(i);
        }

        _lines.Should().HaveCount(4);
        _lines[0].Should().Be("training: 5 of 10000 steps (0 %), 1.0 steps/s, 2 h 46 min left");
    }

    [Fact]
    public void Report_WorkIsGoneOnFrom_CountsThePaceFromThere()
    {
        using var task = Start(400);
        task.Report(200);
        _time.Advance(TimeSpan.FromSeconds(5));
        task.Report(250);

        _lines.Should().Equal("training: 250 of 400 steps (62 %), 10 steps/s, 15 s left");
    }

    [Fact]
    public void Dispose_WorkWasOverAtOnce_WritesNothing()
    {
        using (var task = Start(3)) task.Report(3);

        _lines.Should().BeEmpty();
    }

    [Fact]
    public void Report_UnknownTotal_WritesNoPercentageButTheStatus()
    {
        using var task = new LineProgress(_lines.Add, _time).Start("shard.pth", null, ProgressUnit.Bytes);
        _time.Advance(TimeSpan.FromSeconds(5));
        task.SetStatus("part 2");
        task.Report(25_000_000);

        _lines.Should().Equal("shard.pth: 25.0 MB, 5.0 MB/s, part 2");
    }

    private IProgressTask Start(double total) => new LineProgress(_lines.Add, _time).Start("training", total, ProgressUnit.Steps);
}
