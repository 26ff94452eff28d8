using System.Text.Json;
using Alpaca.Abstractions;

namespace Alpaca.Host.Tests;

public sealed class PredictionsFileTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Complete_Predictions_AreInTheOriginalsForm()
    {
        var file = _folder.Combine("out", "predictions.json");
        using (var predictions = PredictionsFile.Begin(file)) predictions.Complete([("问题 \"A\"", "回答👍")], new GenerationOptions());

        var text = File.ReadAllText(file);
        text.Should().Contain("问题").And.Contain("回答").And.Contain("  \"Input\"", "it is indented and not escaped");
        using var document = JsonDocument.Parse(text);
        document.RootElement[0].GetProperty("Input").GetString().Should().Be("问题 \"A\"");
        document.RootElement[0].GetProperty("Output").GetString().Should().Be("回答👍");
        Directory.GetFiles(_folder.Combine("out")).Select(Path.GetFileName).Should().BeEquivalentTo("predictions.json", "generation_config.json");
    }

    [Fact]
    public void Dispose_WithoutResult_LeavesTheOldFileAlone()
    {
        var file = _folder.Write("predictions.json", "old");

        PredictionsFile.Begin(file).Dispose();

        File.ReadAllText(file).Should().Be("old");
        Directory.GetFiles(Path.GetDirectoryName(file)!).Should().ContainSingle();
    }

    [Fact]
    public void Begin_PlaceThatIsAFile_SaysSoBeforeTheWork()
    {
        var file = _folder.Write("taken", "");
        var act = () => PredictionsFile.Begin(Path.Combine(file, "predictions.json"));
        act.Should().Throw<AlpacaException>().WithMessage("*predictions.json cannot be written*");
    }

    [Fact]
    public void Complete_AnyText_IsWrittenAsPythonWritesIt()
    {
        var file = _folder.Combine("predictions.json");
        using (var predictions = PredictionsFile.Begin(file)) predictions.Complete([("a\u3000👍🏽", "tab\t\"quoted\" back\\slash\nline\u0001\u00e9<&'\u2028"), ("b", "")], new GenerationOptions());

        // python3 -c 'import json; print(json.dumps([{"Input": ..., "Output": ...}, ...], ensure_ascii=False, indent=2))'
        File.ReadAllText(file).Should().Be(
            "[\n  {\n    \"Input\": \"a\u3000👍🏽\",\n    \"Output\": \"tab\\t\\\"quoted\\\" back\\\\slash\\nline\\u0001\u00e9<&'\u2028\"\n  },\n  {\n    \"Input\": \"b\",\n    \"Output\": \"\"\n  }\n]");
        File.ReadAllBytes(file)[0].Should().Be((byte)'[', "there is no byte-order mark");
    }

    [Fact]
    public void Complete_Options_AreWrittenUnderTheOriginalsNames()
    {
        using (var predictions = PredictionsFile.Begin(_folder.Combine("predictions.json"))) predictions.Complete([("a", "b")], new GenerationOptions { Seed = 3 });

        File.ReadAllText(_folder.Combine("generation_config.json")).Should().Be(
            "{\n  \"temperature\": 0.2,\n  \"top_k\": 40,\n  \"top_p\": 0.9,\n  \"do_sample\": true,\n  \"num_beams\": 1,\n  \"repetition_penalty\": 1.1,\n  \"max_new_tokens\": 400,\n  \"seed\": 3\n}");
    }

    [Fact]
    public void Begin_ModelFolder_IsRefusedSoThatItKeepsItsOptions()
    {
        _folder.Write("config.json", "{}");
        var act = () => PredictionsFile.Begin(_folder.Combine("predictions.json"));
        act.Should().Throw<AlpacaUsageException>().WithMessage("*is in the model folder*name another folder.");
    }
}
