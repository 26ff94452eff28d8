using Alpaca.Abstractions;

namespace Alpaca.Merging.Tests;

/// <summary>What is refused before the first byte is written.</summary>
public sealed class MergeCheckTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public Task ExecuteAsync_AdaptersInTheWrongOrder_SaysToSwapThem() =>
        Refused(Fixture.Request(Fixture.Sft, Fixture.Pretrain), $"*{Fixture.Pretrain}*vocabulary of 112, smaller than the 113 of {Fixture.Sft}*swap them*{Fixture.Pretrain},{Fixture.Sft}*");

    [Fact]
    public async Task ExecuteAsync_AdapterOfASmallerBase_SaysItWasTrainedOnAnother()
    {
        var context = StageContexts.In(_folder, "grown");
        await new AdapterMerger().ExecuteAsync(Fixture.Request(Fixture.Sft), context);

        await Refused(new MergeRequest { BaseModel = context.OutputFolder, LoraModel = [Fixture.Pretrain] }, "*vocabulary of 112, smaller than the 113 of the base model*trained on another base*");
    }

    [Fact]
    public Task ExecuteAsync_TokenizerSmallerThanTheVocabulary_NamesBothAndTheMend() => Refused(
        Fixture.Request(Fixture.Pretrain, Fixture.Sft) with { TokenizerPath = [Fixture.Pretrain, Fixture.Pretrain] },
        $"*tokenizer in {Fixture.Pretrain} has 112 pieces, fewer than the 113 rows*{Fixture.Sft}*--tokenizer-path*");

    [Fact]
    public Task ExecuteAsync_TokenizerLargerThanTheVocabulary_NamesBothAndTheMend() => Refused(
        Fixture.Request(Fixture.Pretrain) with { TokenizerPath = [Fixture.Sft] },
        $"*tokenizer in {Fixture.Sft} has 113 pieces, more than the 112 rows*{Fixture.Pretrain}*modules-to-save*");

    [Fact]
    public Task ExecuteAsync_BaseTokenizerTooSmallForAGrownModel_IsAnError()
    {
        var adapter = _folder.Copy(Fixture.Sft);
        File.Delete(Path.Combine(adapter, "tokenizer.model"));

        return Refused(Fixture.Request(adapter), $"*tokenizer in {Fixture.Base} has 96 pieces, fewer than the 113 rows*");
    }

    [Fact]
    public Task ExecuteAsync_FewerTokenizersThanAdapters_IsAnError() =>
        Refused(Fixture.Request(Fixture.Pretrain, Fixture.Sft) with { TokenizerPath = [Fixture.Sft] }, "*2 adapters and 1 tokenizer paths*");

    [Fact]
    public Task ExecuteAsync_TokenizerFolderWithoutTokenizer_IsAnError() =>
        Refused(Fixture.Request(Fixture.Pretrain) with { TokenizerPath = [_folder.CreateFolder("none")] }, "*none has no tokenizer.model*");

    [Fact]
    public Task ExecuteAsync_AdapterGrowsOnlyTheEmbedding_AsksForBoth()
    {
        var adapter = _folder.Copy(Fixture.Pretrain);
        Fixture.EditWeights(adapter, (tensor, data) => tensor.Name.EndsWith("lm_head.weight", StringComparison.Ordinal) ? null : (tensor, data));
        Fixture.EditJson(Path.Combine(adapter, "adapter_config.json"), json => json["modules_to_save"] = null);

        return Refused(Fixture.Request(adapter), "*112 rows of embed_tokens where the model has 96, and no lm_head*");
    }

    [Fact]
    public Task ExecuteAsync_ShapesAndTargetsThatDoNotFit_AreAllListed()
    {
        var adapter = _folder.Copy(Fixture.Pretrain);
        Fixture.EditWeights(adapter, (tensor, data) => tensor switch
        {
            { Name: "base_model.model.model.layers.0.self_attn.q_proj.lora_A.weight" } => (tensor with { Shape = [8, 16] }, data[..(8 * 16 * 4)]),
            _ when tensor.Name.Contains("v_proj", StringComparison.Ordinal) => (tensor with { Name = tensor.Name.Replace("layers.0", "layers.7", StringComparison.Ordinal) }, data),
            { Name: "base_model.model.lm_head.weight" } => (tensor with { Shape = [112, 16] }, data[..(112 * 16 * 2)]),
            _ => (tensor, data),
        });

        return Refused(Fixture.Request(adapter), "*lm_head.weight is [112, 16], the base has [96, 32]*q_proj would change by [32, 16]*layers.7.self_attn.v_proj, which is no linear layer*base it was trained on (base)*");
    }

    [Fact]
    public Task ExecuteAsync_EverythingWrongAtOnce_IsOneMessage()
    {
        var broken = _folder.Copy(Fixture.Sft);
        Fixture.EditJson(Path.Combine(broken, "adapter_config.json"), json => json["use_dora"] = true);

        return Refused(
            new MergeRequest { BaseModel = _folder.Combine("absent"), LoraModel = [Fixture.Base, broken], TokenizerPath = [Fixture.Base] },
            "*absent does not exist*base is no LoRA adapter*DoRA is not supported*2 adapters and 1 tokenizer paths*");
    }

    private async Task Refused(MergeRequest request, string message)
    {
        var context = StageContexts.In(_folder, "refused");

        var act = () => new AdapterMerger().ExecuteAsync(request, context);

        (await act.Should().ThrowAsync<AlpacaException>()).WithMessage(message);
        Directory.GetFileSystemEntries(context.OutputFolder).Should().BeEmpty("nothing is written before everything is checked");
    }
}
