using System.Text.Json.Nodes;
using Alpaca.Abstractions;
using Alpaca.Text;

namespace Alpaca.Training.Tests;

/// <summary>The whole stage against PyTorch's run on the same samples from the same starting values.</summary>
public sealed class ReferenceCurveTests
{
    public static TheoryData<string> Levers => [.. Requests.Keys];

    private static Dictionary<string, Func<TrainRequest, TrainRequest>> Requests { get; } = new()
    {
        ["the defaults"] = request => request,
        ["nothing saved"] = TinyLlama.Plain,
        ["everything saved"] = TinyLlama.Saving,
        ["packing"] = request => TinyLlama.Plain(request) with { Packing = true },
        ["label-only logits"] = request => TinyLlama.Plain(request) with { LabelOnlyLogits = true },
        ["loss in chunks"] = request => TinyLlama.Plain(request) with { LossChunk = 16 },
        ["checkpointing"] = request => TinyLlama.Plain(request) with { ActivationCheckpointing = ActivationCheckpointing.Block },
        ["fused kernels"] = request => TinyLlama.Plain(request) with { FusedKernels = true },
    };

    [Theory]
    [MemberData(nameof(Levers))]
    public async Task ExecuteAsync_Fixture_HasPyTorchsLossesAndNorms(string levers)
    {
        using var folder = new TemporaryFolder();
        var tiny = TinyLlama.Fixture;
        var context = StageContexts.In(folder);

        await new LoraTrainer().ExecuteAsync(Requests[levers](tiny.Request(await tiny.ConvertAsync(folder))), context);

        ShouldBeTheCurve(tiny, context.OutputFolder);
    }

    [GoldenTheory]
    [InlineData("the defaults")]
    [InlineData("nothing saved")]
    [InlineData("everything saved")]
    public async Task ExecuteAsync_ReferenceData_HasPyTorchsLossesAndNorms(string levers)
    {
        using var folder = new TemporaryFolder();
        var tiny = TinyLlama.Reference;
        var model = await tiny.ConvertAsync(folder, Golden.Path("tokenizer", "llama.model"));
        // The run took the samples 8 to 15 of the data set.
        var all = JsonNode.Parse(await File.ReadAllBytesAsync(Golden.Path("datasets", "alpaca_zh_500.json")))!.AsArray();
        var data = folder.Write("data/samples.json", new JsonArray([.. all.Skip(8).Take(8).Select(row => row!.DeepClone())]).ToJsonString());
        var context = StageContexts.In(folder);

        var artifact = await new LoraTrainer().ExecuteAsync(Requests[levers](tiny.Request(model) with { DatasetDir = [data] }), context);

        ShouldBeTheCurve(tiny, context.OutputFolder);
        artifact.Steps.Should().Be(20);
        // A and B of q_proj, v_proj (64 to 64) and down_proj (192 to 64) in two layers, and two matrices of 32,000 rows.
        artifact.TrainableParameters.Should().Be(2 * 4 * (128 + 128 + 256) + 2 * 32000 * 64);
    }

    [Fact]
    public void SupervisedEncoder_FixtureSamples_HaveTheTokensOfTheReferenceRun()
    {
        var tiny = TinyLlama.Fixture;
        var tokenizer = ModelTokenizer.Load(tiny.Tokenizer);
        var samples = InstructionDataset.Load([tiny.Instructions]).Select(s => SupervisedEncoder.Encode(s, tokenizer, PromptTemplate.Get("alpaca"), 160)).ToList();
        samples.Should().HaveCount(8);
        for (var i = 0; i < samples.Count; i++)
        {
            samples[i].InputIds.Should().Equal(tiny.Samples[i].InputIds);
            samples[i].Labels.Should().Equal(tiny.Samples[i].Labels);
        }
    }

    private static void ShouldBeTheCurve(TinyLlama expected, string folder)
    {
        var steps = LogLines.Steps(folder);
        steps.Select(line => line["step"]).Should().Equal(Enumerable.Range(1, 20).Select(s => (double)s));
        for (var s = 0; s < 20; s++)
        {
            steps[s]["loss"].Should().BeApproximately(expected.Losses[s], 1e-4, $"that is the loss of step {s + 1}");
            steps[s]["gradNorm"].Should().BeApproximately(expected.GradientNorms[s], 1e-3 * expected.GradientNorms[s], $"that is the norm of step {s + 1}");
        }
    }
}
