using System.Diagnostics;
using System.Globalization;
using Xunit.Abstractions;

namespace Alpaca.IntegrationTests;

/// <summary>The service is killed at random times of whole runs, alone or with its stages, while runs follow one another in a workspace.</summary>
/// <remarks><c>ALPACA_CRASH_SEED</c> repeats a failure or asks for other times; <c>ALPACA_CRASH_POINTS</c> asks for more of them.</remarks>
[Trait("Category", "Slow")]
public sealed class RandomCrashTests(ITestOutputHelper output)
{
    private const int PointsBetweenPlans = 10;

    [Theory]
    [InlineData(true, 22)]
    [InlineData(false, 100)]
    public async Task Serve_KilledAtARandomTime_CompletesAfterItsRestart(bool isolated, int points)
    {
        var (seed, workspaces) = (Number("ALPACA_CRASH_SEED", 20261125), Environment.ProcessorCount);
        points = Number("ALPACA_CRASH_POINTS", points);
        var lengths = await Task.WhenAll(Enumerable.Range(0, workspaces).Select(i => Task.Run(() => KillAsync(isolated, (points + workspaces - 1 - i) / workspaces, seed + i))));
        output.WriteLine($"seed {seed}: killed at {points} times of runs that take {string.Join(" and ", lengths.Select(length => $"{length.TotalSeconds:F1} s"))}");
    }

    /// <returns>How long a whole run takes.</returns>
    private static async Task<TimeSpan> KillAsync(bool isolated, int points, int seed)
    {
        var random = new Random(seed);
        using var bench = new CrashBench(isolated);
        var serve = bench.Start();
        try
        {
            var whole = await MeasureAsync(bench, serve);
            for (var point = 1; point <= points; point++)
            {
                var delay = whole * random.NextDouble() * 1.1;
                var isGroup = random.Next(2) == 0;
                bench.Drop();
                await Task.Delay(delay);
                if (isGroup) serve.SignalGroup(ServedProcess.SigKill);
                else serve.Signal(ServedProcess.SigKill);
                await serve.ExitAsync();
                var log = serve.Log;
                serve.Dispose();

                serve = bench.Start();
                try
                {
                    await bench.CompleteAsync(serve);
                    bench.Verify();
                    if (point % PointsBetweenPlans == 0 || point == points) await bench.VerifyPlanAsync();
                }
                catch (Exception e)
                {
                    throw new InvalidOperationException($"Seed {seed}, point {point}, {delay.TotalSeconds:F2} s after the drop, {(isGroup ? "with" : "without")} its stages: {e.Message}\nIts log was: {log}\nand then: {serve.Log}", e);
                }
            }

            return whole;
        }
        finally
        {
            if (!serve.Process.HasExited) serve.SignalGroup(ServedProcess.SigKill);
            serve.Dispose();
        }
    }

    private static async Task<TimeSpan> MeasureAsync(CrashBench bench, ServedProcess serve)
    {
        bench.Drop();
        await bench.CompleteAsync(serve); // with what only the first run has to do
        bench.Drop();
        var start = Stopwatch.GetTimestamp();
        await bench.CompleteAsync(serve);
        return Stopwatch.GetElapsedTime(start);
    }

    private static int Number(string variable, int otherwise)
        => Environment.GetEnvironmentVariable(variable) is { Length: > 0 } text ? int.Parse(text, CultureInfo.InvariantCulture) : otherwise;
}
