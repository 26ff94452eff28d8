using System.Collections.Concurrent;
using Alpaca.Abstractions;

namespace Alpaca.Formats.Tests.Tensors;

public sealed class RowPipelineTests
{
    [Theory]
    [InlineData(1, 2, 1)]
    [InlineData(3_000_000, 2, 1)]
    [InlineData(640, 16384, 128)]
    [InlineData(256, 3 << 20, 128)]
    [InlineData(0, 8, 1)]
    public void Run_AnyShape_CoversEveryRowOnceInWholeBlocks(long rows, int rowBytes, int blockRows)
    {
        var chunks = new ConcurrentBag<(long First, int Rows)>();

        RowPipeline.Run([new RowTask("w", rows, rowBytes, blockRows, c => chunks.Add((c.FirstRow, c.Rows)))], NullProgress.Instance, CancellationToken.None);

        long next = 0;
        foreach (var (first, count) in chunks.Order())
        {
            first.Should().Be(next);
            (first % blockRows).Should().Be(0);
            (count % blockRows).Should().Be(0);
            next = first + count;
        }

        next.Should().Be(rows);
    }

    [Fact]
    public void Run_OneChunkFails_ThrowsThatError()
    {
        var act = () => RowPipeline.Run(
            [new RowTask("w", 100, 1 << 20, 1, c => throw (c.FirstRow == 0 ? new AlpacaException("the disk is full") : new InvalidOperationException()))],
            NullProgress.Instance, CancellationToken.None);

        act.Should().Throw<Exception>().Which.Should().NotBeOfType<AggregateException>();
    }

    [Fact]
    public void Run_CancelledMidway_Stops()
    {
        using var cancellation = new CancellationTokenSource();
        var done = 0;

        var act = () => RowPipeline.Run([new RowTask("w", 10_000, 1 << 20, 1, _ =>
        {
            if (Interlocked.Increment(ref done) == 5)
            {
                cancellation.Cancel();
            }
            else if (done > 5)
            {
                cancellation.Token.WaitHandle.WaitOne();
            }
        })], NullProgress.Instance, cancellation.Token);

        act.Should().Throw<OperationCanceledException>();
        done.Should().BeLessThan(100);
    }

    [Fact]
    public void For_RowsLargerThanMemory_IsAClearError()
    {
        var act = () => RowTask.For(new TensorInfo("huge", DType.Float16, [2, 1L << 40]), 1, _ => { });

        act.Should().Throw<AlpacaException>().WithMessage("*huge*more than fits into memory*");
    }

    [Fact]
    public void Keep_KeyChanges_MakesItAnew()
    {
        var scratch = new RowScratch();
        object first = new(), second = new();
        var made = 0;

        string Make() => $"{++made}";
        scratch.Keep(0, first, Make).Should().Be("1");
        scratch.Keep(0, first, Make).Should().Be("1");
        scratch.Keep(1, first, Make).Should().Be("2");
        scratch.Keep(0, second, Make).Should().Be("3");
    }
}
