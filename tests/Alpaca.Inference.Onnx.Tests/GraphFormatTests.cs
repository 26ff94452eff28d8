using Alpaca.Abstractions;
using Alpaca.Formats;

namespace Alpaca.Inference.Onnx.Tests;

public sealed class GraphFormatTests
{
    private static readonly LlamaConfig Config = LlamaConfig.Load(LlamaFixture.Load("plain").Folder) with { NumHiddenLayers = 12 };

    [Fact]
    public void Of_Bf16_SaysWhatToTakeInstead()
        => Refused(new ExportRequest { Precision = Precision.Bf16 }, "*bf16*bfloat16*CPUs*fp32*fp16*");

    [Fact]
    public void Of_SeveralProblems_ListsAll()
        => Refused(
            new ExportRequest { Precision = Precision.Int4, BlockSize = 48, ActivationPrecision = Precision.Bf16, KeepLayers = ["lm_head=int2", "layers.12", "=int8"] },
            "*ActivationPrecision is bf16*BlockSize is 48*'lm_head=int2'*'layers.12' is no layer*'=int8' names no layer*");

    [Theory]
    [InlineData(Precision.Fp32)]
    [InlineData(Precision.Fp16)]
    public void Of_KeepLayersWithoutQuantization_IsRefused(Precision precision)
        => Refused(new ExportRequest { Precision = precision, KeepLayers = ["lm_head"] }, "*KeepLayers*int8 and int4*");

    [Fact]
    public void Of_Fp32WithFloat16Activations_NamesThePrecisionThatIsMeant()
        => Refused(new ExportRequest { ActivationPrecision = Precision.Fp16 }, "*ActivationPrecision fp16*precision fp16*");

    [Fact]
    public void Of_KeptInAnotherFloatingPointType_IsRefused()
        => Refused(new ExportRequest { Precision = Precision.Int4, KeepLayers = ["lm_head=fp16"] }, "*lm_head=fp16*must be fp32*");

    [Theory]
    [InlineData("layers.1", "model.layers.1.mlp.up_proj", true)]
    [InlineData("layers.1", "model.layers.11.mlp.up_proj", false)]
    [InlineData("down_proj", "model.layers.11.mlp.down_proj", true)]
    [InlineData("mlp", "model.layers.3.mlp.gate_proj", true)]
    [InlineData("mlp", "model.layers.3.self_attn.q_proj", false)]
    [InlineData("layers.1*.mlp", "model.layers.10.mlp.gate_proj", true)]
    [InlineData("layers.*.mlp", "model.layers.4.self_attn.v_proj", false)]
    [InlineData("lm_head", "lm_head", true)]
    public void Match_Pattern_MeansWholeWords(string pattern, string module, bool isMeant)
        => KeptLayers.Parse(pattern, Precision.Int8).Layers!.Match(module).Should().Be(isMeant);

    [Fact]
    public void Of_SeveralPatterns_TheFirstThatFitsDecides()
    {
        var format = GraphFormat.Of(new ExportRequest { Precision = Precision.Int4, KeepLayers = ["layers.0.mlp.down_proj=int4", "down_proj", "lm_head=fp32"] }, Config);

        format.Of("model.layers.0.mlp.down_proj")!.Bits.Should().Be(4);
        format.Of("model.layers.1.mlp.down_proj")!.Bits.Should().Be(8);
        format.Of("lm_head").Should().BeNull();
    }

    [Theory]
    [InlineData(false, 4)]
    [InlineData(true, 8)]
    public void Of_Int4_GivesTheHeadOfATiedModelEightBits(bool isTied, int bits)
        => GraphFormat.Of(new ExportRequest { Precision = Precision.Int4 }, Config with { TieWordEmbeddings = isTied }).Of("lm_head")!.Bits.Should().Be(bits);

    private static void Refused(ExportRequest request, string message)
    {
        var read = () => GraphFormat.Of(request, Config);
        read.Should().Throw<AlpacaUsageException>().WithMessage(message);
    }
}
