using Alpaca.Abstractions;

namespace Alpaca.Formats.Tests.Models;

public sealed class HuggingFaceModelTests : IDisposable
{
    private static readonly LlamaConfig Config = new()
    {
        HiddenSize = 8, IntermediateSize = 12, NumHiddenLayers = 2, NumAttentionHeads = 2, NumKeyValueHeads = 1, VocabSize = 5, TorchDType = DType.BFloat16,
    };

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Open_SoundModel_HasItsParameters()
    {
        Write(Config, LlamaTensorNames.Describe(Config));

        using var model = HuggingFaceModel.Open(_folder.Path);

        model.Config.Should().BeEquivalentTo(Config);
        model.Parameters.Should().Be((2 * 5 * 8) + 8 + (2 * ((2 * 8 * 8) + (2 * 4 * 8) + (3 * 12 * 8) + (2 * 8))));
    }

    [Fact]
    public void Open_TiedEmbeddings_NeedsNoLmHead()
    {
        var tied = Config with { TieWordEmbeddings = true };
        Write(tied, LlamaTensorNames.Describe(tied));

        using var model = HuggingFaceModel.Open(_folder.Path);

        model.Tensors.Find(LlamaTensorNames.LmHead).Should().BeNull();
    }

    [Fact]
    public void Open_TensorsMissingAndMisshapen_ListsAll()
    {
        Write(Config, LlamaTensorNames.Describe(Config).Where(t => t.Name != LlamaTensorNames.Norm)
            .Select(t => t.Name == LlamaTensorNames.LmHead ? t with { Shape = [6, 8] } : t));

        var act = () => HuggingFaceModel.Open(_folder.Path);

        act.Should().Throw<AlpacaException>().WithMessage("*model.norm.weight is missing*lm_head.weight is [6, 8], the configuration says [5, 8]*");
    }

    [Fact]
    public void Open_Bias_IsRefusedInsteadOfLeftOut()
    {
        Write(Config, [.. LlamaTensorNames.Describe(Config), new TensorInfo("model.layers.0.self_attn.q_proj.bias", DType.Float16, [8])]);

        var act = () => HuggingFaceModel.Open(_folder.Path);

        act.Should().Throw<AlpacaException>().WithMessage("*q_proj.bias is no part of a LLaMA*");
    }

    [Fact]
    public void Open_ConfigurationWithABillionLayers_EndsQuickly()
    {
        Write(Config with { NumHiddenLayers = 1_000_000_000 }, LlamaTensorNames.Describe(Config));

        var act = () => HuggingFaceModel.Open(_folder.Path);

        act.Should().Throw<AlpacaException>().WithMessage("*model.layers.2.self_attn.q_proj.weight is missing*");
    }

    [Fact]
    public void Open_OriginalWeights_AsksToConvert()
    {
        _folder.Write("7B/consolidated.00.pth", "x");

        var act = () => HuggingFaceModel.Open(_folder.Path);

        act.Should().Throw<AlpacaException>().WithMessage("*original weights*convert*");
    }

    [Fact]
    public void Open_Adapter_AsksToMerge()
    {
        _folder.Write("adapter_config.json", "{}");

        var act = () => HuggingFaceModel.Open(_folder.Path);

        act.Should().Throw<AlpacaException>().WithMessage("*LoRA adapter*merge*");
    }

    private void Write(LlamaConfig config, IEnumerable<TensorInfo> tensors)
    {
        config.Save(_folder.Path);
        using var writer = new ShardedSafetensorsWriter(_folder.Path, [.. tensors]);
        foreach (var tensor in writer.Tensors)
        {
            writer.Write(tensor.Name, 0, new byte[tensor.ByteLength]);
        }

        writer.Complete();
    }
}
