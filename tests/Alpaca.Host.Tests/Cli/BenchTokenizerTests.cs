using System.Text.Json;

namespace Alpaca.Host.Tests;

public sealed class BenchTokenizerTests : IDisposable
{
    private static readonly string Tokenizer = Path.Combine(Golden.RepositoryRoot, "samples", "llama-tiny");

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact, Trait("Category", "Slow")]
    public async Task Tokenizer_LinesAndJson_MeasuresEveryWayOnAllTexts()
    {
        var lines = _folder.Write("lines.txt", "The sea\r\n\r\n白日依山尽\n");
        var json = _folder.Write("rows.json", """[{"instruction":"a","input":"","output":"b"},{"more":[{"text":"c","other":"d"}]}]""");

        var run = await CommandRun.InvokeAsync(
            "bench", "tokenizer", "--tokenizer", Tokenizer, "--data-file", lines, "--data-file", json, "--repetitions", "1", "--without-spaces", "0.1", "--json");

        run.ShouldSucceed();
        using var report = JsonDocument.Parse(run.Output);
        var results = report.RootElement.GetProperty("results").EnumerateArray().ToLookup(r => r.GetProperty("metric").GetString(), r => r.GetProperty("value").GetDouble());
        results["texts"].Should().Equal(6);
        results["list"].Should().HaveCount(2).And.OnlyContain(rate => rate > 0);
        results["memory"].Should().HaveCount(2).And.OnlyContain(rate => rate > 0);
        results["batch, 2 threads"].Should().HaveCount(2).And.OnlyContain(rate => rate > 0);
        results["one letter, tokens"].Should().ContainSingle().Which.Should().BeInRange(1, 100_002);
    }

    [Theory]
    [InlineData("", "holds no text")]
    [InlineData("""{"other":"x"}""", "holds no text")]
    [InlineData("""[{"text":"x"}""", "begins like JSON but is not")]
    public async Task Tokenizer_FileWithoutTexts_IsRefusedByName(string content, string message)
    {
        var file = _folder.Write("texts.json", content);

        (await CommandRun.InvokeAsync("bench", "tokenizer", "--tokenizer", Tokenizer, "--data-file", file)).ShouldFail(ExitCodes.Failure, message, file);
    }
}
