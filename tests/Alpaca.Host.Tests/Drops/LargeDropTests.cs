using System.Diagnostics;
using System.Security.Cryptography;
using System.Text;
using Xunit.Abstractions;

namespace Alpaca.Host.Tests;

/// <summary>Files of 1 GB take no more memory than small ones, and can be given up at any time.</summary>
[Trait("Category", "Slow")]
[Collection(AloneCollection.Name)]
public sealed class LargeDropTests(ITestOutputHelper output) : IDisposable
{
    private const long Size = 1L << 30;
    private readonly DropBench _bench = new();

    public void Dispose() => _bench.Dispose();

    [Theory]
    [InlineData("list.json", true)]
    [InlineData("lines.jsonl", true)]
    [InlineData("broken-at-the-end.json", false)]
    [InlineData("one-line.jsonl", false)]
    [InlineData("zeros.json", false)]
    [InlineData("film.mkv", false)]
    public void Scan_Gigabyte_IsJudgedInTheMemoryOfARow(string name, bool isGood)
    {
        var digest = Write(name);
        _bench.Scan();
        _bench.Time.Advance(_bench.Drops.Quiet);
        GC.Collect();
        using var peak = new PeakMemory();
        var watch = Stopwatch.StartNew();

        _bench.Scan().Should().Be(isGood ? 1 : 0);

        output.WriteLine($"{name}: {watch.Elapsed.TotalSeconds:F1} s, {peak.GrowthMegabytes} MB more at the most");
        peak.GrowthMegabytes.Should().BeLessThan(256);
        (isGood ? _bench.Accepted.Single() : _bench.Reason(name).Sha256).Should().StartWith(digest);
    }

    [Fact]
    public void Scan_CancelledWithinAGigabyte_StopsAtOnceAndLeavesIt()
    {
        Write("list.json");
        _bench.Scan();
        _bench.Time.Advance(_bench.Drops.Quiet);
        using var stop = new CancellationTokenSource(TimeSpan.FromMilliseconds(300));

        FluentActions.Invoking(() => _bench.Scan(cancellationToken: stop.Token)).Should().Throw<OperationCanceledException>();

        _bench.Left.Should().Equal("list.json");
    }

    private string Write(string name)
    {
        using var digest = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        using var file = File.Create(_bench.PathOf(name));
        var row = $$"""{"instruction": "{{new string('问', 100)}}", "input": "", "output": "{{new string('答', 200)}}"}""";
        var (start, end) = name == "list.json" ? ("[" + row, "]") : name == "broken-at-the-end.json" ? ("[" + row, "") : ("", "");
        var unit = name switch
        {
            "zeros.json" => new byte[1000],
            "one-line.jsonl" => Encoding.UTF8.GetBytes("\"" + new string('x', 998)),
            "lines.jsonl" => Encoding.UTF8.GetBytes(row + "\n"),
            "film.mkv" => RandomNumberGenerator.GetBytes(1000),
            _ => Encoding.UTF8.GetBytes(",\n" + row),
        };
        var block = Enumerable.Repeat(unit, 1000).SelectMany(bytes => bytes).ToArray();
        Append(Encoding.UTF8.GetBytes(start));
        for (var written = 0L; written < Size; written += block.Length) Append(block);
        Append(Encoding.UTF8.GetBytes(end));
        return Convert.ToHexStringLower(digest.GetHashAndReset());

        void Append(byte[] bytes)
        {
            file.Write(bytes);
            digest.AppendData(bytes);
        }
    }

    /// <summary>By how much this process has grown at the most since this was made, looked at every few milliseconds.</summary>
    /// <remarks>Without garbage: a processor with a large cache lets some hundred megabytes of it gather before the first collection.</remarks>
    private sealed class PeakMemory : IDisposable
    {
        private readonly Timer _timer;
        private readonly long _before = Now();
        private long _peak;

        public PeakMemory() => _timer = new Timer(_ => Look(), null, 0, 10);

        public long GrowthMegabytes => (Math.Max(_peak, Now()) - _before) >> 20;

        public void Dispose() => _timer.Dispose();

        private void Look()
        {
            GC.Collect(0);
            _peak = Math.Max(_peak, Now());
        }

        private static long Now() => Environment.WorkingSet;
    }
}
