namespace Alpaca.Inference.Torch.Tests;

public sealed class NumericsThreadTests
{
    [Fact]
    public async Task Run_FromManyThreads_IsOneThreadOneAtATime()
    {
        using var numerics = new NumericsThread();
        var (inside, most) = (0, 0);

        var threads = await Task.WhenAll(Enumerable.Range(0, 20).Select(_ => Task.Run(() => numerics.Run(() =>
        {
            most = Math.Max(most, Interlocked.Increment(ref inside));
            Thread.Yield();
            Interlocked.Decrement(ref inside);
            return Environment.CurrentManagedThreadId;
        }))));

        threads.Distinct().Should().ContainSingle();
        most.Should().Be(1);
    }

    [Fact]
    public void Run_WorkThatThrows_ThrowsAtTheCallerAndGoesOn()
    {
        using var numerics = new NumericsThread();
        var act = () => numerics.Run<int>(() => throw new FormatException("as it was"));
        act.Should().Throw<FormatException>().WithMessage("as it was");
        numerics.Run(() => 7).Should().Be(7);
    }

    [Fact]
    public void Run_AfterDispose_SaysSo()
    {
        var numerics = new NumericsThread();
        numerics.Dispose();
        numerics.Dispose();
        var act = () => numerics.Run(() => 1);
        act.Should().Throw<ObjectDisposedException>();
    }
}
