using Alpaca.Abstractions;
using Alpaca.Formats;

namespace Alpaca.Inference.Onnx.Tests;

/// <summary>Adapters beside a model against the model they are merged into.</summary>
public sealed class OnnxAdapterTests : IDisposable
{
    private static readonly int[] Prompt = [1, 5, 80, 33, 2, 9, 47, 60];

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData(false, new string[0])]
    [InlineData(false, new[] { "embed_tokens", "lm_head" })]
    [InlineData(false, new[] { "lm_head" })]
    [InlineData(true, new string[0])]
    [InlineData(true, new[] { "embed_tokens" })]
    public async Task Extend_WithAnAdapter_EqualsTheMergedModel(bool isTied, string[] saved)
    {
        var (model, onnx) = await ExportAsync(isTied);
        RandomAdapter.Write(_folder.Combine("one"), Config(isTied), seed: 2, saved: saved);
        RandomAdapter.Write(_folder.Combine("other"), Config(isTied), seed: 3, rank: 9);
        using var decoder = Decoders.Open(onnx, adapters: [new("one", _folder.Combine("one")), new("other", _folder.Combine("other"))]);
        var alone = RandomModel.Logits(model, Prompt)[^90..];

        decoder.Adapters.Should().Equal("one", "other");
        foreach (var (adapter, name) in ((int?, string)[])[(0, "one"), (1, "other"), (0, "one")])
        {
            RandomAdapter.Merge(model, _folder.Combine(name), _folder.Combine("merged"));
            var merged = RandomModel.Logits(_folder.Combine("merged"), Prompt)[^90..];
            LogitDifference.Between(merged, alone).Should().BeGreaterThan(0.1f);

            decoder.Extend(0, 0, Prompt.AsSpan(0, 5), adapter, Text.LogitRows.None);
            decoder.Extend(0, 5, Prompt.AsSpan(5, 2), adapter, Text.LogitRows.None);
            LogitDifference.Between(decoder.Step(0, [Prompt[7]], [7], adapter).ToArray(), merged).Should().BeLessThan(1e-4f);
            LogitDifference.Between(decoder.Last(1, 0, Prompt), alone).Should().BeLessThan(1e-4f, "the model alone is what it was");
        }
    }

    [Theory]
    [InlineData(Precision.Fp16, 3e-2f)]
    [InlineData(Precision.Int8, 6e-2f)]
    public async Task Extend_WithAnAdapterInAnotherPrecision_IsNearTheMergedModel(Precision precision, float tolerance)
    {
        var (model, onnx) = await ExportAsync(isTied: false, precision);
        RandomAdapter.Write(_folder.Combine("one"), Config(isTied: false), seed: 2, saved: precision == Precision.Fp16 ? ["lm_head", "embed_tokens"] : []);
        RandomAdapter.Merge(model, _folder.Combine("one"), _folder.Combine("merged"));
        using var decoder = Decoders.Open(onnx, adapters: [new("one", _folder.Combine("one"))]);

        var logits = decoder.Extend(0, 0, Prompt, 0, Text.LogitRows.Last).ToArray();

        LogitDifference.RelativeBetween(logits, RandomModel.Logits(_folder.Combine("merged"), Prompt)[^90..]).Should().BeLessThan(tolerance);
    }

    [Fact]
    public async Task Load_AdapterWithAnotherVocabulary_SaysWhatToDo()
    {
        var (_, onnx) = await ExportAsync(isTied: false);
        RandomAdapter.Write(_folder.Combine("one"), Config(isTied: false), seed: 2, saved: ["embed_tokens", "lm_head"], vocabulary: 100);

        await ShouldFailAsync(onnx, "*embed_tokens.weight is [100, 64] and the model's [90, 64]; its lm_head*merge it into its base and export the result, or use the Torch backend.");
    }

    [Fact]
    public async Task Load_HeadBesideAQuantisedOne_SaysWhatToDo()
    {
        var (_, onnx) = await ExportAsync(isTied: false, Precision.Int4);
        RandomAdapter.Write(_folder.Combine("one"), Config(isTied: false), seed: 2, saved: ["lm_head"]);

        await ShouldFailAsync(onnx, "*lm_head*quantised*--keep-layers lm_head=fp32*");
    }

    [Fact]
    public async Task Load_GraphWithoutAdapterInputs_NamesTheOption()
    {
        var (_, onnx) = await ExportAsync(isTied: false, adapterInputs: false);
        RandomAdapter.Write(_folder.Combine("one"), Config(isTied: false), seed: 2);

        await ShouldFailAsync(onnx, "*model.onnx has no inputs for adapters; export the model with `--adapter-inputs`, or merge*");
    }

    [Fact]
    public async Task Load_AdapterOfAnotherModel_NamesTheLayers()
    {
        var (_, onnx) = await ExportAsync(isTied: false);
        RandomAdapter.Write(_folder.Combine("one"), Config(isTied: false) with { NumHiddenLayers = 3, IntermediateSize = 96 }, seed: 2);

        await ShouldFailAsync(onnx, "*model.layers.0.mlp.gate_proj is [96, 64] in the adapter and [80, 64] in the model*takes no adapter of model.layers.2*");
    }

    private static LlamaConfig Config(bool isTied) => new()
    {
        HiddenSize = 64, IntermediateSize = 80, NumHiddenLayers = 2, NumAttentionHeads = 4, NumKeyValueHeads = 2, HeadDim = 16, VocabSize = 90, MaxPositionEmbeddings = 512,
        TorchDType = DType.Float32, TieWordEmbeddings = isTied,
    };

    private async Task ShouldFailAsync(string onnx, string message)
    {
        var load = () => new OnnxBackend().LoadAsync(onnx, new InferenceOptions { Adapters = [new("one", _folder.Combine("one"))] });
        (await load.Should().ThrowAsync<AlpacaException>()).WithMessage(message);
    }

    private async Task<(string Model, string Onnx)> ExportAsync(bool isTied, Precision precision = Precision.Fp32, bool adapterInputs = true)
    {
        var model = _folder.CreateFolder("model");
        RandomModel.Write(model, Config(isTied), seed: 1);
        var context = StageContexts.In(_folder);
        await new OnnxExporter().ExecuteAsync(new ExportRequest { Model = model, Precision = precision, AdapterInputs = adapterInputs }, context);
        return (model, context.OutputFolder);
    }
}
