namespace Alpaca.Formats.Tests.Adapters;

public sealed class AdapterFitTests
{
    private const string Module = "model.layers.0.self_attn.q_proj";

    private static readonly LoraPair Pair = new(new TensorInfo("a", DType.Float32, [2, 4]), new TensorInfo("b", DType.Float32, [6, 2]));

    private static readonly LlamaConfig Model = new()
    {
        HiddenSize = 4, IntermediateSize = 8, NumHiddenLayers = 1, NumAttentionHeads = 1, NumKeyValueHeads = 1, HeadDim = 4, VocabSize = 9, MaxPositionEmbeddings = 16, TorchDType = DType.Float32,
    };

    [Fact]
    public void FindObstacle_PairBesideALayer_HasToHaveItsWidths()
    {
        AdapterFit.FindObstacle(Module, Pair, (6, 4)).Should().BeNull();
        AdapterFit.FindObstacle(Module, Pair, (4, 6)).Should().Be($"{Module} is [6, 4] in the adapter and [4, 6] in the model");
        AdapterFit.FindObstacle(Module, Pair, null).Should().Be($"the model takes no adapter of {Module}");
    }

    [Theory]
    [InlineData(LlamaTensorNames.EmbedTokens, 9, 4, false, null)]
    [InlineData(LlamaTensorNames.LmHead, 9, 4, true, null)]
    [InlineData(LlamaTensorNames.LmHead, 12, 4, true, null)]
    [InlineData(LlamaTensorNames.LmHead, 12, 4, false, "its lm_head.weight is [12, 4] and the model's [9, 4]")]
    [InlineData(LlamaTensorNames.EmbedTokens, 9, 5, true, "its model.embed_tokens.weight is [9, 5] and the model's [9, 4]")]
    [InlineData(LlamaTensorNames.Norm, 9, 4, true, "it brings model.norm.weight, which only a merge can replace")]
    public void FindObstacle_ModuleSavedWhole_HasToHaveTheModelsShape(string name, int rows, int columns, bool takesOtherVocabulary, string? obstacle)
        => AdapterFit.FindObstacle(name, new TensorInfo(name, DType.Float16, [rows, columns]), Model, takesOtherVocabulary).Should().Be(obstacle);
}
