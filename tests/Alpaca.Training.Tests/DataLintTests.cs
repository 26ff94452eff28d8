using Alpaca.Abstractions;
using Alpaca.Text;

namespace Alpaca.Training.Tests;

/// <summary>What is told about data, and what becomes of samples that are too long.</summary>
public sealed class DataLintTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly ModelTokenizer _tokenizer = ModelTokenizer.Load(TinyLlama.Fixture.Tokenizer);

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Load_SoundData_TellsSizesAndNoWarnings()
    {
        var data = Load(256, """{"instruction": "a", "output": "b"}""", """{"messages": [{"role": "user", "content": "a"}, {"role": "assistant", "content": "c"}, {"role": "user", "content": "b"}, {"role": "assistant", "content": "c"}]}""");

        data.Lint.Warnings.Should().BeEmpty();
        var summary = data.Lint.Summary.ToList();
        var learned = data.Samples.Sum(TrainingRow.CountSupervised);
        summary[0].Should().Be($"training data: 2 samples with 3 answers, {data.Samples.Sum(s => s.InputIds.Length)} tokens, {learned} of them learned ({100.0 * learned / data.Samples.Sum(s => s.InputIds.Length):F1} %)");
        summary[1].Should().StartWith("training lengths in tokens: up to ");
    }

    [Fact]
    public void Load_FaultyRows_AreCountedWithTheirPlaces()
    {
        const string Good = """{"instruction": "a", "output": "b"}""";
        var data = Load(128, Good, Good, """{"instruction": "a", "output": " "}""", $$"""{"instruction": "a", "output": "{{new string('x', 4000)}}"}""", $$"""{"instruction": "{{new string('y', 4000)}}", "output": "b"}""");

        data.Samples.Should().HaveCount(4, "a sample whose prompt alone fills the length teaches nothing");
        string.Join('\n', data.Lint.Warnings).Should()
            .Contain("1 of 5 training samples have an empty answer").And.Contain("line 3)")
            .And.Contain("1 of 5 training samples are there more than once").And.Contain("line 2)")
            .And.Contain("1 of 5 training samples are left out").And.Contain("line 5)")
            .And.Contain("1 of 5 training samples are cut at MaxSeqLength and do not teach where an answer ends");
        data.Lint.Summary[^1].Should().EndWith("more 2");
    }

    [Fact]
    public void Load_OverLongDropped_KeepsTheOthersWhole()
    {
        var data = Load(128, OverLongSamples.Drop, """{"instruction": "a", "output": "b"}""", $$"""{"instruction": "a", "output": "{{new string('x', 4000)}}"}""");

        data.Samples.Should().ContainSingle().Which.Place.Number.Should().Be(1);
        data.Lint.Warnings.Should().ContainSingle().Which.Should().Contain("more than MaxSeqLength");
    }

    [Fact]
    public void Load_OverLongFails_NamesTheFirst()
    {
        var act = () => Load(128, OverLongSamples.Fail, """{"instruction": "a", "output": "b"}""", $$"""{"instruction": "a", "output": "{{new string('x', 4000)}}"}""");

        act.Should().Throw<AlpacaException>().WithMessage("1 of 2 training samples have more than MaxSeqLength 128 tokens, the first at *data.jsonl, line 2; *");
    }

    [Fact]
    public void Preview_Samples_SeparatesWhatIsLearned()
    {
        var file = _folder.Write("data.jsonl", """{"instruction": "a", "output": "b"}""" + "\n" + """{"instruction": "c", "output": "d"}""");
        var request = Request(256) with { TokenizerNameOrPath = TinyLlama.Fixture.Tokenizer, DatasetDir = [file] };

        var preview = new LoraTrainer().Preview(request, 1);

        preview.Notes.Should().Contain(note => note.StartsWith("training data: 2 samples"));
        var sample = preview.Samples.Should().ContainSingle().Subject;
        sample.Place.Should().Be($"{file}, line 1");
        sample.Spans.Select(span => span.IsLearned).Should().Equal(false, true);
        sample.Spans[0].Text.Should().StartWith("<s>").And.Contain("### Instruction:\na");
        sample.Spans[1].Text.Trim().Should().Be("b</s>");
    }

    private static TrainRequest Request(int maxSeqLength) => new() { MaxSeqLength = maxSeqLength, Template = "alpaca" };

    private EncodedData Load(int maxSeqLength, params string[] lines) => Load(maxSeqLength, OverLongSamples.Truncate, lines);

    private EncodedData Load(int maxSeqLength, OverLongSamples overLong, params string[] lines)
        => EncodedData.Load([_folder.Write("data.jsonl", string.Join('\n', lines))], "training", Request(maxSeqLength) with { OverLong = overLong }, _tokenizer);
}
