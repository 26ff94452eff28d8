namespace Alpaca.IntegrationTests;

/// <summary>The benchmarks of stages on weights that they made themselves, through the executable.</summary>
[Trait("Category", "Slow")]
public sealed class BenchTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task Bench_WeightsConvertMerge_MeasuresEachAgainstACopy()
    {
        (await AlpacaProcess.RunAsync("bench", "weights", "--shape", "tiny", "--output-dir", _folder.Path)).ShouldSucceed();

        var convert = (await AlpacaProcess.RunAsync(
            "bench", "convert", "--input-dir", _folder.Combine("tiny"), "--scratch-dir", _folder.Combine("s"), "--repetitions", "2", "--keep", "--json")).ShouldSucceed().Json;
        var merge = (await AlpacaProcess.RunAsync(
            "bench", "merge", "--base-model", _folder.Combine("s", "bench-convert"), "--lora-model", _folder.Combine("adapter"), "--scratch-dir", _folder.Combine("s"), "--repetitions", "1", "--json"))
            .ShouldSucceed().Json;

        foreach (var (report, stage) in new[] { (convert, "convert"), (merge, "merge") })
        {
            report.GetProperty("name").GetString().Should().Be(stage);
            var figures = report.GetProperty("results").EnumerateArray().ToDictionary(r => r.GetProperty("metric").GetString()!, r => r.GetProperty("value").GetDouble());
            figures.Keys.Should().Equal("input", "copy", stage, "ratio", "rate", "peak anonymous memory");
            figures.Values.Should().OnlyContain(v => v > 0);
            figures["peak anonymous memory"].Should().BeLessThan(512);
        }

        Directory.Exists(_folder.Combine("s", "bench-convert")).Should().BeTrue("it was to be kept");
        Directory.Exists(_folder.Combine("s", "bench-merge")).Should().BeFalse();
    }

    [Fact]
    public async Task Bench_StageFails_GivesItsReason() => (await AlpacaProcess.RunAsync(
        "bench", "merge", "--base-model", _folder.CreateFolder("empty"), "--lora-model", _folder.Path, "--scratch-dir", _folder.Combine("s"))).ShouldFail(1, "*stage merge*failed with exit code 1*config.json*");
}
