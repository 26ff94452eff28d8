using Alpaca.Abstractions;
using Alpaca.Formats;
using Alpaca.Text;

namespace Alpaca.Training.Tests;

public sealed class LoraPretrainerTests
{
    private static readonly string Lines = string.Join('\n', Enumerable.Range(0, 60).Select(i => $"The {i % 5} little lines of text go round and round."));

    [Fact]
    public async Task ExecuteAsync_PlainText_LearnsIt()
    {
        using var folder = await TrainingFolder.CreateAsync();

        var artifact = await ExecuteAsync(folder, Request(folder) with { TrainingSteps = 12, LearningRate = 1e-2, ValidationSplit = 0.1 }, "out");

        var output = folder.Combine("out");
        var validations = LogLines.Validations(output);
        validations[^1]["evalLoss"].Should().BeLessThan(0.8 * validations[0]["evalLoss"]);
        artifact.Metrics["evalLoss"].Should().Be(validations[^1]["evalLoss"]);
        using var adapter = PeftAdapter.Open(output);
        adapter.Config.TargetModules.Should().Equal("q_proj", "v_proj");
        adapter.SavedModules.Should().HaveCount(2);
        File.Exists(Path.Combine(output, "tokenizer.model")).Should().BeTrue("merging reads the adapter's tokenizer");
        folder.Logger.Entries.Should().Contain(e => e.Message.StartsWith("training text: 1 files, 60 lines, 60 documents", StringComparison.Ordinal));
    }

    [Fact]
    public async Task ExecuteAsync_ValidationSplit_HoldsOutTheSameBlocksEachTime()
    {
        using var folder = await TrainingFolder.CreateAsync();
        var request = Request(folder) with { TrainingSteps = 1, LearningRate = 0, ValidationSplit = 0.2 };

        var losses = new List<double>();
        foreach (var (name, seed) in new[] { ("first", 1), ("again", 1), ("other", 2) })
        {
            folder.DeleteCheckpoints();
            losses.Add((await ExecuteAsync(folder, request with { Seed = seed }, name)).Metrics["evalLoss"]);
        }

        losses[1].Should().Be(losses[0]);
        losses[2].Should().NotBe(losses[0]);
    }

    [Fact]
    public async Task ExecuteAsync_ByEpochs_TakesEveryBlockThatIsNotHeldOut()
    {
        using var folder = await TrainingFolder.CreateAsync();
        var request = Request(folder) with { Epochs = 1, ValidationSplit = 0.25 };
        var blocks = TextBlocks.Load(request.DatasetDir, "training", request, ModelTokenizer.Load(folder.Model)).Samples.Count;

        var artifact = await ExecuteAsync(folder, request, "out");

        artifact.Steps.Should().Be(blocks - (int)Math.Ceiling(0.25 * blocks));
    }

    [Fact]
    public async Task ExecuteAsync_TwoSourcesOfValidation_NamesBothOptions()
    {
        using var folder = await TrainingFolder.CreateAsync();
        var request = Request(folder);

        var act = () => ExecuteAsync(folder, request with { ValidationFile = request.DatasetDir[0], ValidationSplit = 0.1 }, "out");

        await act.Should().ThrowAsync<AlpacaUsageException>().WithMessage("ValidationFile * and ValidationSplit 0.1 both give the validation text; remove one of them.");
    }

    [Fact]
    public async Task ExecuteAsync_SplitLeavesNothing_SaysWhatToDo()
    {
        using var folder = await TrainingFolder.CreateAsync();

        var act = () => ExecuteAsync(folder, Request(folder) with { BlockSize = 1 << 16, ValidationSplit = 0.1 }, "out");

        await act.Should().ThrowAsync<AlpacaException>().WithMessage("ValidationSplit 0.1 holds out 1 of 1 blocks *; lower it or BlockSize, or give a ValidationFile.");
    }

    [Fact]
    public async Task Preview_Text_ShowsBlocksAsTheModelSeesThem()
    {
        using var folder = await TrainingFolder.CreateAsync();

        var preview = new LoraPretrainer().Preview(Request(folder), 2);

        preview.Notes[0].Should().StartWith("training text: 1 files");
        preview.Samples.Should().HaveCount(2);
        preview.Samples[0].Tokens.Should().Be(64);
        preview.Samples[0].Spans.Should().ContainSingle().Which.Should().Match<PreviewSpan>(span => span.IsLearned && span.Text.StartsWith("<s>"));
    }

    private static PretrainRequest Request(TrainingFolder folder) => new()
    {
        ModelNameOrPath = folder.Model,
        TokenizerNameOrPath = folder.Model,
        DatasetDir = [folder.Write("text/a.txt", Lines)],
        ModulesToSave = ["embed_tokens", "lm_head"],
        LoraRank = 4,
        LoraDropout = 0,
        BlockSize = 64,
    };

    private static Task<AdapterArtifact> ExecuteAsync(TrainingFolder folder, PretrainRequest request, string output)
        => new LoraPretrainer().ExecuteAsync(request, folder.Context(output));
}
