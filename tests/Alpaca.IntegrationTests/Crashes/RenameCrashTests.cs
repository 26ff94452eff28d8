using Xunit.Abstractions;

namespace Alpaca.IntegrationTests;

/// <summary>The service is killed at every rename of a whole run, right before it and right after it.</summary>
[Trait("Category", "Slow")]
public sealed class RenameCrashTests(ITestOutputHelper output)
{
    [Fact]
    public async Task Serve_KilledAtARename_CompletesAfterItsRestart()
    {
        var moments = await CountAsync();
        moments.Should().HaveCountGreaterThan(60, "a run renames more than 30 times");
        await Parallel.ForEachAsync(Enumerable.Range(1, moments.Count), new ParallelOptions { MaxDegreeOfParallelism = Environment.ProcessorCount }, async (moment, _) => await KillAtAsync(moment));
        output.WriteLine($"killed at {moments.Count} moments");
    }

    private static async Task KillAtAsync(int moment)
    {
        using var bench = new CrashBench(isolated: false);
        bench.Drop();
        bench.Arm(moment);
        string log;
        using (var killed = bench.Start())
        {
            await killed.ExitAsync();
            log = killed.Log;
        }

        var seen = bench.Disarm();
        seen.Should().HaveCount(moment, "it dies there; its log was: {0}", log);
        using var serve = bench.Start();
        try
        {
            await bench.CompleteAsync(serve);
            bench.Verify();
        }
        catch (Exception e)
        {
            throw new InvalidOperationException($"It was killed at moment {moment}, {seen[^1]}: {e.Message}\nIts log was: {log}\nand then: {serve.Log}", e);
        }
        finally
        {
            serve.SignalGroup(ServedProcess.SigKill);
            await serve.ExitAsync();
        }
    }

    private static async Task<IReadOnlyList<string>> CountAsync()
    {
        using var bench = new CrashBench(isolated: false);
        bench.Drop();
        bench.Arm(int.MaxValue);
        using var serve = bench.Start();
        await bench.CompleteAsync(serve);
        bench.Verify();
        await bench.VerifyPlanAsync();
        serve.SignalGroup(ServedProcess.SigKill);
        await serve.ExitAsync();
        return bench.Disarm();
    }
}
