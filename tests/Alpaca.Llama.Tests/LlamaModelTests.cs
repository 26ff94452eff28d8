using Alpaca.Abstractions;
using TorchSharp;
using static TorchSharp.torch;

namespace Alpaca.Llama.Tests;

public sealed class LlamaModelTests
{
    [Fact]
    public void StateDict_OfAModel_HasHuggingFaceNamesAndShapes()
    {
        using var model = TinyModels.Create();
        using var weights = MemoryTensors.Random(TinyModels.Config);

        model.state_dict().ToDictionary(entry => entry.Key, entry => string.Join('x', entry.Value.shape))
            .Should().BeEquivalentTo(weights.Tensors.ToDictionary(tensor => tensor.Name, tensor => string.Join('x', tensor.Shape)));
    }

    [Fact]
    public void Parameters_ByDefault_AreFrozen()
    {
        using var model = TinyModels.Create();
        model.parameters().Should().NotBeEmpty().And.OnlyContain(parameter => !parameter.requires_grad);
    }

    [Fact]
    public void LmHead_TiedConfiguration_IsTheEmbedding()
    {
        using var model = TinyModels.Create(TinyModels.Config with { TieWordEmbeddings = true });
        model.LmHead.Should().BeSameAs(model.EmbedTokens);
    }

    [Fact]
    public void Construction_LargerVocabulary_AddsSeededRowsBelowTheOldOnes()
    {
        using var small = TinyModels.Create();
        using var grown = TinyModels.Create(options: new LlamaModelOptions { VocabularySize = 1050, Seed = 5 });
        using var again = TinyModels.Create(options: new LlamaModelOptions { VocabularySize = 1050, Seed = 5 });
        using var other = TinyModels.Create(options: new LlamaModelOptions { VocabularySize = 1050, Seed = 6 });

        grown.Config.VocabSize.Should().Be(1050);
        foreach (var (before, after) in new[] { (small.EmbedTokens, grown.EmbedTokens), (small.LmHead, grown.LmHead) })
        {
            after.shape.Should().Equal(1050, 32);
            after.narrow(0, 0, 50).equal(before).all().item<bool>().Should().BeTrue();
            after.narrow(0, 50, 1000).std().item<float>().Should().BeApproximately(0.02f, 0.001f);
            after.narrow(0, 50, 1000).mean().item<float>().Should().BeApproximately(0, 0.001f);
        }

        again.EmbedTokens.equal(grown.EmbedTokens).all().item<bool>().Should().BeTrue();
        other.EmbedTokens.equal(grown.EmbedTokens).all().item<bool>().Should().BeFalse();
        grown.LmHead.narrow(0, 50, 1000).equal(grown.EmbedTokens.narrow(0, 50, 1000)).all().item<bool>().Should().BeFalse("the head's rows are drawn after the embedding's");
    }

    [Fact]
    public void Construction_SmallerVocabulary_KeepsTheRowsOfTheFile()
    {
        using var model = TinyModels.Create(options: new LlamaModelOptions { VocabularySize = 10 });
        model.EmbedTokens.shape.Should().Equal(50, 32);
        model.Config.VocabSize.Should().Be(50);
    }

    [Fact]
    public void Construction_ProjectionFactory_IsAskedForTheSevenProjectionsOfEachLayer()
    {
        var asked = new Dictionary<string, long[]>();
        ProjectionFactory factory = (name, weight) =>
        {
            asked.Add(name, weight.shape);
            return new Projection(weight);
        };
        using var model = TinyModels.Create(options: new LlamaModelOptions { ProjectionFactory = factory });

        asked.Should().HaveCount(14);
        asked["model.layers.0.self_attn.k_proj"].Should().Equal(16, 32);
        asked["model.layers.1.mlp.down_proj"].Should().Equal(32, 48);
    }

    [Fact]
    public void ForwardHidden_TrainableEmbedding_GetsAGradientThroughFrozenLayers()
    {
        using var scope = NewDisposeScope();
        using var model = TinyModels.Create();
        model.EmbedTokens.requires_grad = true;

        model.Logits(model.ForwardHidden(TinyModels.Ids(5))).sum().backward();

        model.EmbedTokens.grad.Should().NotBeNull();
        model.EmbedTokens.grad!.abs().sum().item<float>().Should().BePositive();
        model.LmHead.grad.Should().BeNull();
    }

    [Fact]
    public void ForwardHidden_CausalByDefault_IgnoresWhatFollows()
    {
        using var scope = NewDisposeScope();
        using var model = TinyModels.Create();

        var whole = model.ForwardHidden(TinyModels.Ids(9));
        var start = model.ForwardHidden(TinyModels.Ids(4));

        TinyModels.MaxDifference(whole.narrow(1, 0, 4), start).Should().BeLessThan(1e-5f);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void ForwardHidden_ExplicitCausalMask_EqualsTheDefault(bool additive)
    {
        using var scope = NewDisposeScope();
        using var model = TinyModels.Create();
        var mask = AttentionMasks.Causal(6, 6, CPU);
        if (additive) mask = zeros(6, 6).masked_fill(mask.logical_not(), float.NegativeInfinity);

        TinyModels.MaxDifference(model.ForwardHidden(TinyModels.Ids(6), attentionMask: mask), model.ForwardHidden(TinyModels.Ids(6))).Should().BeLessThan(1e-5f);
    }

    [Fact]
    public void ForwardHidden_RowsPaddedOnEitherSide_EqualThoseAlone()
    {
        using var scope = NewDisposeScope();
        using var model = TinyModels.Create();
        var padding = zeros(1, 3, ScalarType.Int64);
        var ids = cat([cat([TinyModels.Ids(5), padding], 1), cat([padding, TinyModels.Ids(5, start: 11)], 1)], 0); // [2, 8]
        var segments = tensor(new long[,] { { 1, 1, 1, 1, 1, 0, 0, 0 }, { 0, 0, 0, 1, 1, 1, 1, 1 } });
        var positions = tensor(new long[,] { { 0, 1, 2, 3, 4, 0, 0, 0 }, { 0, 0, 0, 0, 1, 2, 3, 4 } });

        var hidden = model.ForwardHidden(ids, positions, AttentionMasks.CausalWithin(segments));

        TinyModels.MaxDifference(hidden[0].narrow(0, 0, 5), model.ForwardHidden(TinyModels.Ids(5))[0]).Should().BeLessThan(1e-5f);
        TinyModels.MaxDifference(hidden[1].narrow(0, 3, 5), model.ForwardHidden(TinyModels.Ids(5, start: 11))[0]).Should().BeLessThan(1e-5f);
        hidden.isfinite().all().item<bool>().Should().BeTrue("padding must not poison gradients");
    }

    [Fact]
    public void ForwardHidden_RowsPaddedOnTheRight_NeedNoMask()
    {
        using var scope = NewDisposeScope();
        using var model = TinyModels.Create();
        var ids = cat([TinyModels.Ids(5), zeros(1, 3, ScalarType.Int64)], 1);

        TinyModels.MaxDifference(model.ForwardHidden(ids).narrow(1, 0, 5), model.ForwardHidden(TinyModels.Ids(5))).Should().BeLessThan(1e-5f);
    }

    [Fact]
    public void ForwardHidden_PackedSamples_EqualThoseAlone()
    {
        using var scope = NewDisposeScope();
        using var model = TinyModels.Create();
        var ids = cat([TinyModels.Ids(4), TinyModels.Ids(3, start: 20)], 1);
        var segments = tensor(new long[,] { { 0, 0, 0, 0, 1, 1, 1 } });
        var positions = tensor(new long[,] { { 0, 1, 2, 3, 0, 1, 2 } });

        var hidden = model.ForwardHidden(ids, positions, AttentionMasks.CausalWithin(segments));

        TinyModels.MaxDifference(hidden.narrow(1, 0, 4), model.ForwardHidden(TinyModels.Ids(4))).Should().BeLessThan(1e-5f);
        TinyModels.MaxDifference(hidden.narrow(1, 4, 3), model.ForwardHidden(TinyModels.Ids(3, start: 20))).Should().BeLessThan(1e-5f);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void ForwardHidden_Segments_EqualTheSequencesAlone(bool fused)
    {
        using var scope = NewDisposeScope();
        using var model = TinyModels.Create(options: new LlamaModelOptions { UseFusedKernels = fused });
        var ids = cat([TinyModels.Ids(4), TinyModels.Ids(1, start: 9), TinyModels.Ids(3, start: 20)], 1);

        var hidden = model.ForwardHidden(ids, model.Surround(new Segments([4, 1, 3], CPU)));

        TinyModels.MaxDifference(hidden.narrow(1, 0, 4), model.ForwardHidden(TinyModels.Ids(4))).Should().BeLessThan(1e-5f);
        TinyModels.MaxDifference(hidden.narrow(1, 4, 1), model.ForwardHidden(TinyModels.Ids(1, start: 9))).Should().BeLessThan(1e-5f);
        TinyModels.MaxDifference(hidden.narrow(1, 5, 3), model.ForwardHidden(TinyModels.Ids(3, start: 20))).Should().BeLessThan(1e-5f);
    }

    [Fact]
    public void ForwardHidden_WithoutFusedKernels_IsTheSame()
    {
        using var scope = NewDisposeScope();
        using var fused = TinyModels.Create();
        using var composed = TinyModels.Create(options: new LlamaModelOptions { UseFusedKernels = false });

        TinyModels.MaxDifference(fused.ForwardHidden(TinyModels.Ids(9)), composed.ForwardHidden(TinyModels.Ids(9))).Should().BeLessThan(1e-5f);
    }

    [Theory]
    [InlineData(ScalarType.BFloat16, 0.1f)]
    [InlineData(ScalarType.Float16, 0.02f)]
    public void Logits_SixteenBitWeights_StayNearFloat32AndAreFloat32(ScalarType type, float tolerance)
    {
        using var scope = NewDisposeScope();
        using var exact = TinyModels.Create();
        using var model = TinyModels.Create(options: new LlamaModelOptions { WeightType = type });
        model.EmbedTokens.dtype.Should().Be(type);

        var logits = model.Logits(model.ForwardHidden(TinyModels.Ids(8)));

        logits.dtype.Should().Be(ScalarType.Float32);
        TinyModels.MaxDifference(logits, exact.Logits(exact.ForwardHidden(TinyModels.Ids(8)))).Should().BeInRange(1e-6f, tolerance);
    }

    [Fact]
    public void Construction_EmbeddingType_KeepsThatTypeOverSixteenBitLayers()
    {
        using var scope = NewDisposeScope();
        using var model = TinyModels.Create(options: new LlamaModelOptions { WeightType = ScalarType.BFloat16, EmbeddingType = ScalarType.Float32 });

        model.EmbedTokens.dtype.Should().Be(ScalarType.Float32);
        model.LmHead.dtype.Should().Be(ScalarType.Float32);
        model.ForwardHidden(TinyModels.Ids(3)).dtype.Should().Be(ScalarType.BFloat16);
        model.Logits(model.ForwardHidden(TinyModels.Ids(3))).isfinite().all().item<bool>().Should().BeTrue();
    }

    [Fact]
    public void ForwardHidden_ManyCalls_LeaveNoTensorBehind()
    {
        using var model = TinyModels.Create();
        using var cache = model.CreateCache(64);
        Step();
        var before = DisposeScopeManager.Statistics.ThreadTotalLiveCount;

        for (var i = 0; i < 20; i++) Step();

        DisposeScopeManager.Statistics.ThreadTotalLiveCount.Should().Be(before);

        void Step()
        {
            using var scope = NewDisposeScope();
            model.Logits(model.ForwardHidden(model.Embed(TinyModels.Ids(3)), arange(3).unsqueeze(0), cache.Extend(0, 0, 3)));
        }
    }

    [Fact]
    public void Construction_FailingHalfWay_LeavesNoTensorBehind()
    {
        using var weights = MemoryTensors.Random(TinyModels.Config);
        weights.Remove("model.layers.1.mlp.up_proj.weight");
        var act = () => new LlamaModel(TinyModels.Config, weights, new LlamaModelOptions());
        act.Should().Throw<AlpacaException>();
        var before = Statistics();

        act.Should().Throw<AlpacaException>().WithMessage("*model.layers.1.mlp.up_proj.weight*");

        Statistics().Should().Be(before);

        // What scopes hold and what was taken out of them.
        static long Statistics() => DisposeScopeManager.Statistics.ThreadTotalLiveCount;
    }
}
