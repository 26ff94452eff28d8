using Alpaca.Abstractions;
using Alpaca.Formats;
using Microsoft.Extensions.DependencyInjection;

namespace Alpaca.Training.Tests;

public sealed class LoraTrainerTests
{
    [Fact]
    public async Task ExecuteAsync_NewAdapter_WritesWhatPeftReads()
    {
        using var folder = await TrainingFolder.CreateAsync();
        var artifact = await folder.ExecuteAsync(folder.Request());
        var output = folder.Combine("out");

        using var adapter = PeftAdapter.Open(output);
        adapter.Config.R.Should().Be(4);
        adapter.Config.LoraAlpha.Should().Be(16);
        adapter.Config.LoraDropout.Should().Be(0.1);
        adapter.Config.TargetModules.Should().Equal("q_proj", "v_proj", "down_proj");
        adapter.Config.ModulesToSave.Should().Equal("embed_tokens", "lm_head");
        adapter.Pairs.Should().HaveCount(6);
        adapter.Pairs["model.layers.1.self_attn.v_proj"].A.Shape.Should().Equal(4, 32);
        adapter.Pairs["model.layers.1.self_attn.v_proj"].B.Shape.Should().Equal(16, 4);
        adapter.SavedModules.Keys.Should().BeEquivalentTo("model.embed_tokens.weight", "lm_head.weight");
        adapter.SavedModules.Values.Should().OnlyContain(t => t.DType == DType.Float32);
        adapter.Tensors.ReadAsFloat32(adapter.Pairs["model.layers.0.self_attn.q_proj"].B).Should().Contain(x => x != 0);
        File.ReadAllBytes(Path.Combine(output, "tokenizer.model")).Should().Equal(File.ReadAllBytes(TinyLlama.Fixture.Tokenizer));

        artifact.Rank.Should().Be(4);
        artifact.Steps.Should().Be(10);
        artifact.TrainableParameters.Should().Be(adapter.Tensors.Tensors.Sum(t => t.ElementCount));
        artifact.Metrics.Keys.Should().BeEquivalentTo("trainLoss", "evalLoss", "perplexity", "accuracy", "tokensPerSecond", "seconds");
        artifact.Metrics["perplexity"].Should().BeApproximately(Math.Exp(artifact.Metrics["evalLoss"]), 1e-9);
        folder.Logger.Entries.Should().Contain(e => e.Message.StartsWith("trainable params: ", StringComparison.Ordinal));
    }

    [Fact]
    public async Task ExecuteAsync_WithValidation_LogsItBeforeInBetweenAndAtTheEnd()
    {
        using var folder = await TrainingFolder.CreateAsync();
        var output = await folder.TrainAsync(folder.Request() with { TrainingSteps = 8, LoggingSteps = 3, LearningRate = 1e-2 }, "out");

        LogLines.Validations(output).Select(line => line["step"]).Should().Equal(0, 4, 8);
        LogLines.Steps(output).Select(line => line["step"]).Should().Equal(1, 3, 6);
        LogLines.Validations(output)[^1]["evalLoss"].Should().BeLessThan(LogLines.Validations(output)[0]["evalLoss"]);
        LogLines.Read(output).Where(line => line.ContainsKey("loss")).Should().OnlyContain(
            line => line.Keys.SequenceEqual(new[] { "step", "loss", "learningRate", "gradNorm", "tokensPerSecond", "tokens" }));
        LogLines.Read(output).Where(line => line.ContainsKey("evalLoss")).Should().OnlyContain(line => line.Keys.SequenceEqual(new[] { "step", "evalLoss", "perplexity", "accuracy" }));
    }

    [Fact]
    public async Task ExecuteAsync_ByEpochs_TakesEverySampleOnceAnEpoch()
    {
        using var folder = await TrainingFolder.CreateAsync();
        // 8 samples, 3 a step, twice: 16 / 3 steps, the last of one sample.
        var request = folder.Request() with { TrainingSteps = 0, Epochs = 2, BatchSize = 3, GradientAccumulationSteps = 1, LearningRate = 0, LoraDropout = 0, Shuffle = false };
        var output = await folder.TrainAsync(request, "out");

        var steps = LogLines.Steps(output);
        steps.Should().HaveCount(6);
        // At a learning rate of 0, the last step's single sample is the eighth alone.
        folder.DeleteCheckpoints();
        var eighth = await folder.TrainAsync(request with { TrainingSteps = 8, BatchSize = 1 }, "single");
        steps[5]["loss"].Should().BeApproximately(LogLines.Steps(eighth)[7]["loss"], 1e-5);
    }

    [Theory]
    [InlineData(Precision.Bf16)]
    [InlineData(Precision.Fp16)]
    public async Task ExecuteAsync_HalfPrecisionBase_TrainsCloseToFloat32(Precision precision)
    {
        using var folder = await TrainingFolder.CreateAsync();
        var request = folder.Request() with { TrainingSteps = 4, LoraDropout = 0 };
        var full = await folder.TrainAsync(request, "full");
        folder.DeleteCheckpoints();
        var half = await folder.TrainAsync(request with { Precision = precision }, "half");

        for (var s = 0; s < 4; s++) LogLines.Steps(half)[s]["loss"].Should().BeApproximately(LogLines.Steps(full)[s]["loss"], 0.05);
        using var adapter = PeftAdapter.Open(half);
        adapter.Tensors.Tensors.Should().OnlyContain(t => t.DType == DType.Float32);
    }

    [Fact]
    public async Task ExecuteAsync_FromAnAdapter_GoesOnWithItsValuesAndItsOptions()
    {
        using var folder = await TrainingFolder.CreateAsync();
        var first = await folder.TrainAsync(folder.Request(), "first");
        folder.DeleteCheckpoints();
        // Nothing is learnt at a rate of 0, so what comes out is what went in.
        var request = folder.Request() with { PeftPath = first, LearningRate = 0, TrainingSteps = 2, LoraTrainable = new TrainRequest().LoraTrainable, ModulesToSave = [] };
        var second = await folder.TrainAsync(request, "second");

        File.ReadAllBytes(Path.Combine(second, "adapter_model.safetensors")).Should().Equal(File.ReadAllBytes(Path.Combine(first, "adapter_model.safetensors")));
        LoraConfig.Load(second).TargetModules.Should().Equal("q_proj", "v_proj", "down_proj");
        LogLines.Validations(second)[0]["evalLoss"].Should().BeApproximately(LogLines.Validations(first)[^1]["evalLoss"], 1e-5);
    }

    [Fact]
    public async Task ExecuteAsync_OptionsThatContradictTheAdapter_AreAllAnError()
    {
        using var folder = await TrainingFolder.CreateAsync();
        var first = await folder.TrainAsync(folder.Request() with { TrainingSteps = 1 }, "first");
        var request = folder.Request() with { PeftPath = first, LoraRank = 16, LoraTrainable = ["o_proj"], UseRslora = true };

        await ShouldFailAsync(folder, request, $"LoraRank is 16, but the adapter {first} *LoraTrainable is o_proj, but *");
        await ShouldFailAsync(folder, request, "*UseRslora is True, but *");
    }

    [Fact]
    public async Task ExecuteAsync_AllLinear_IsAllProjectionsByName()
    {
        using var folder = await TrainingFolder.CreateAsync();
        var output = await folder.TrainAsync(folder.Request() with { TrainingSteps = 1, LoraTrainable = ["all-linear"], ModulesToSave = [], ValidationFile = null }, "out");
        using var adapter = PeftAdapter.Open(output);
        adapter.Config.TargetModules.Should().BeEquivalentTo(LlamaTensorNames.Projections);
        adapter.Pairs.Should().HaveCount(2 * LlamaTensorNames.Projections.Count);
    }

    [Fact]
    public async Task ExecuteAsync_WarmupRatio_IsThatPartOfTheSteps()
    {
        using var folder = await TrainingFolder.CreateAsync();
        var request = folder.Request() with { TrainingSteps = 9, LoggingSteps = 1, ValidationFile = null };
        var bySteps = await folder.TrainAsync(request with { WarmupSteps = 3 }, "steps");
        var byRatio = await folder.TrainAsync(request with { WarmupSteps = 0, WarmupRatio = 0.3 }, "ratio");

        LogLines.Steps(byRatio).Select(line => line["learningRate"]).Should().Equal(LogLines.Steps(bySteps).Select(line => line["learningRate"]));
        await ShouldFailAsync(folder, request with { WarmupSteps = 1, WarmupRatio = 0.1 }, "*WarmupSteps 1 and WarmupRatio 0.1 both give the warm-up*");
    }

    [Fact]
    public async Task ExecuteAsync_RankStabilised_SaysSoToWhoeverReadsTheAdapter()
    {
        using var folder = await TrainingFolder.CreateAsync();
        var output = await folder.TrainAsync(folder.Request() with { TrainingSteps = 1, UseRslora = true, LoraRank = 4, LoraAlpha = 6 }, "out");
        LoraConfig.Load(output).Scaling.Should().Be(3);
    }

    [Fact]
    public async Task ExecuteAsync_FromAnAdapterWhoseConfigurationHidesItsModules_KeepsThem()
    {
        using var folder = await TrainingFolder.CreateAsync();
        var first = await folder.TrainAsync(folder.Request() with { TrainingSteps = 1 }, "first");
        folder.DeleteCheckpoints();
        (LoraConfig.Load(first) with { ModulesToSave = [] }).Save(first);
        var second = await folder.TrainAsync(folder.Request() with { PeftPath = first, LearningRate = 0, TrainingSteps = 1, ModulesToSave = [] }, "second");
        File.ReadAllBytes(Path.Combine(second, "adapter_model.safetensors")).Should().Equal(File.ReadAllBytes(Path.Combine(first, "adapter_model.safetensors")));
    }

    [Fact]
    public async Task ExecuteAsync_GrownTokenizer_GrowsTheModelAndKeepsTheAdaptersRows()
    {
        using var folder = await TrainingFolder.CreateAsync();
        var first = await folder.TrainAsync(folder.Request(), "first");
        folder.DeleteCheckpoints();
        var request = folder.Request() with { PeftPath = first, TokenizerNameOrPath = folder.GrownTokenizer(), LearningRate = 0, TrainingSteps = 1 };
        var second = await folder.TrainAsync(request, "second");

        using var before = PeftAdapter.Open(first);
        using var after = PeftAdapter.Open(second);
        foreach (var name in before.SavedModules.Keys)
        {
            after.SavedModules[name].Shape.Should().Equal(513, 32);
            var rows = after.Tensors.ReadAsFloat32(after.SavedModules[name]);
            rows[..(512 * 32)].Should().Equal(before.Tensors.ReadAsFloat32(before.SavedModules[name]));
            rows[(512 * 32)..].Should().OnlyContain(x => x != 0 && Math.Abs(x) < 0.2);
        }
    }

    [Fact]
    public async Task ExecuteAsync_SamplesLongerThanTheLimit_DropsThoseWithoutAnAnswerAndSaysSo()
    {
        using var folder = await TrainingFolder.CreateAsync();
        var data = folder.Write("data/two.json", """[{"instruction":"a b c d e f g h i j k l m n o p q r s t u v w x y z","input":"","output":"z"},{"instruction":"a","input":"","output":"b"}]""");
        await folder.TrainAsync(folder.Request() with { DatasetDir = [data], MaxSeqLength = 80, TrainingSteps = 1, ValidationFile = null }, "out");
        folder.Logger.Warnings.Should().ContainSingle(w => w.StartsWith("1 of 2 training samples are left out", StringComparison.Ordinal));
    }

    [Fact]
    public async Task ExecuteAsync_NoSampleWithAnAnswer_SaysWhatToRaise()
    {
        using var folder = await TrainingFolder.CreateAsync();
        await ShouldFailAsync(folder, folder.Request() with { MaxSeqLength = 8 }, "*None of the 8 training samples*MaxSeqLength 8*");
    }

    [Fact]
    public async Task ExecuteAsync_UnknownNames_ReportsAllOfThem()
    {
        using var folder = await TrainingFolder.CreateAsync();
        var request = folder.Request() with
        {
            LoraTrainable = ["q_proj", "query"],
            ModulesToSave = ["norm"],
            Precision = Precision.Int4,
            Template = "vicuna",
            Device = "tpu",
            LoraInit = folder.Combine("nowhere.bin"),
        };
        var run = () => folder.ExecuteAsync(request);
        (await run.Should().ThrowAsync<AlpacaException>()).WithMessage(
            "*LoraTrainable has no query; there are q_proj, k_proj*ModulesToSave has no norm; there are embed_tokens, lm_head*Int4*nowhere.bin*vicuna*tpu*");
    }

    [Fact]
    public async Task ExecuteAsync_GrownTokenizerWithoutTrainedEmbedding_NamesTheModulesToSave()
    {
        using var folder = await TrainingFolder.CreateAsync();
        await ShouldFailAsync(folder, folder.Request() with { TokenizerNameOrPath = folder.GrownTokenizer(), ModulesToSave = ["lm_head"] }, "*1 pieces more*ModulesToSave*embed_tokens,lm_head*");
    }

    [Fact]
    public void VocabularyCheck_TokenizerSmallerThanModel_NamesBothFolders()
    {
        var request = new TrainRequest { ModelNameOrPath = "models/base", TokenizerNameOrPath = "tokenizers/small" };
        var run = () => VocabularyCheck.Run(request, Config(tied: false), 500, []);
        run.Should().Throw<AlpacaException>().WithMessage("*tokenizers/small has 500 pieces*models/base has rows for 512*");
    }

    [Fact]
    public void VocabularyCheck_TiedModelWithLmHead_SaysWhatCanBeTrained()
    {
        var run = () => VocabularyCheck.Run(new TrainRequest(), Config(tied: true), 512, ["embed_tokens", "lm_head"]);
        run.Should().Throw<AlpacaException>().WithMessage("*tie_word_embeddings*embed_tokens*");
    }

    [Fact]
    public async Task ExecuteAsync_LoraInitOfAnotherRank_NamesTheTensors()
    {
        using var folder = await TrainingFolder.CreateAsync();
        await ShouldFailAsync(folder, TinyLlama.Fixture.Request(folder.Model) with { LoraRank = 8, LoraTrainable = ["q_proj"] }, "*train_lora_A_init.bin*q_proj.lora_A.weight is ?4, 32? where ?8, 32? is needed*");
    }

    [Fact]
    public async Task ExecuteAsync_AdapterOfAnotherModel_NamesFolderAndModule()
    {
        using var folder = await TrainingFolder.CreateAsync();
        var first = await folder.TrainAsync(folder.Request() with { TrainingSteps = 1 }, "first");
        var other = folder.Combine("other");
        Directory.CreateDirectory(other);
        (LoraConfig.Load(first) with { TargetModules = ["q_proj"], ModulesToSave = [] }).Save(other);
        var name = PeftAdapter.TensorNameFor("model.layers.9.self_attn.q_proj", "A");
        using (var writer = new SafetensorsWriter(Path.Combine(other, "adapter_model.safetensors"), [new(name, DType.Float32, [4, 1]), new(name.Replace("_A", "_B", StringComparison.Ordinal), DType.Float32, [1, 4])]))
        {
            writer.Write(name, 0, new byte[16]);
            writer.Write(name.Replace("_A", "_B", StringComparison.Ordinal), 0, new byte[16]);
            writer.Complete();
        }

        await ShouldFailAsync(folder, folder.Request() with { PeftPath = other, LoraTrainable = ["q_proj"] }, $"*{other}*another model*model.layers.9.self_attn.q_proj*");
    }

    [Fact]
    public async Task ExecuteAsync_LossThatIsNoNumber_StopsNamingTheStepAndKeepsTheCheckpoints()
    {
        using var folder = await TrainingFolder.CreateAsync();
        var broken = await folder.TrainAsync(folder.Request() with { TrainingSteps = 1, SaveSteps = 1, ModulesToSave = [] }, "first");
        using (var adapter = PeftAdapter.Open(broken))
        {
            using var writer = new SafetensorsWriter(folder.Combine("nan.safetensors"), adapter.Tensors.Tensors);
            foreach (var tensor in adapter.Tensors.Tensors)
                writer.Write(tensor.Name, 0, System.Runtime.InteropServices.MemoryMarshal.AsBytes<float>([.. Enumerable.Repeat(float.NaN, (int)tensor.ElementCount)]));
            writer.Complete();
        }

        var request = folder.Request() with { LoraInit = folder.Combine("nan.safetensors"), ModulesToSave = [], ValidationFile = null };
        await ShouldFailAsync(folder, request, "*stopped at step 1*NaN*, row *; the last checkpoint is left as it is; lower*");
        Directory.Exists(Path.Combine(folder.Resume, "checkpoint-1")).Should().BeTrue();
        await ShouldFailAsync(folder, request with { ValidationFile = TinyLlama.Fixture.Validation }, "*validation loss at step 0*");
    }

    [Fact]
    public void ConfigureServices_Plugin_OffersItsStages()
    {
        var services = new ServiceCollection();
        new TrainingPlugin().ConfigureServices(services, null!);
        services.Select(s => s.ImplementationInstance).OfType<StageDescriptor>().Select(stage => (stage.Name, stage.RequestType, stage.ArtifactKind, stage.CanPreview)).Should().Equal(
            ("train", typeof(TrainRequest), ArtifactKinds.Adapter, true), ("pretrain", typeof(PretrainRequest), ArtifactKinds.Adapter, true));
        services.Should().ContainSingle(s => s.ServiceType == typeof(LoraTrainer)).And.ContainSingle(s => s.ServiceType == typeof(LoraPretrainer));
    }

    private static LlamaConfig Config(bool tied)
        => new() { HiddenSize = 8, IntermediateSize = 8, NumHiddenLayers = 1, NumAttentionHeads = 1, VocabSize = 512, TieWordEmbeddings = tied };

    private static async Task ShouldFailAsync(TrainingFolder folder, TrainRequest request, string message)
    {
        var run = () => folder.ExecuteAsync(request, "failed");
        (await run.Should().ThrowAsync<AlpacaException>()).WithMessage(message);
    }
}
