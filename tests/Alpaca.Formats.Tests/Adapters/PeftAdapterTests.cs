using Alpaca.Abstractions;

namespace Alpaca.Formats.Tests.Adapters;

public sealed class PeftAdapterTests : IDisposable
{
    private const string Module = "model.layers.0.self_attn.q_proj";

    private static readonly LoraConfig Config = new() { R = 2, LoraAlpha = 8, TargetModules = ["q_proj"] };

    private static readonly TensorInfo[] Pair =
        [new(PeftAdapter.TensorNameFor(Module, "A"), DType.Float32, [2, 4]), new(PeftAdapter.TensorNameFor(Module, "B"), DType.Float32, [6, 2])];

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Open_OwnNames_AreFoundUnderTheBasesNames()
    {
        Write(Config with { ModulesToSave = ["embed_tokens"] }, [.. Pair, new(PeftAdapter.TensorNameForSaved(LlamaTensorNames.EmbedTokens), DType.Float16, [9, 4])]);

        using var adapter = PeftAdapter.Open(_folder.Path);

        adapter.Pairs.Keys.Should().Equal(Module);
        adapter.Pairs[Module].A.Shape.Should().Equal(2, 4);
        adapter.SavedModules.Keys.Should().Equal(LlamaTensorNames.EmbedTokens);
        adapter.VocabularySize.Should().Be(9);
        adapter.Scaling.Should().Be(4);
    }

    [Theory]
    [InlineData("base_model.model.model.layers.0.self_attn.q_proj.lora_A.weight", "A", "model.layers.0.self_attn.q_proj")]
    [InlineData("base_model.model.model.layers.0.self_attn.q_proj.lora_B.default.weight", "B", "model.layers.0.self_attn.q_proj")]
    [InlineData("model.layers.0.mlp.up_proj.lora_A.my_adapter.weight", "A", "model.layers.0.mlp.up_proj")]
    [InlineData("base_model.model.lm_head.weight", "SavedModule", "lm_head.weight")]
    [InlineData("base_model.model.model.embed_tokens.modules_to_save.default.weight", "SavedModule", "model.embed_tokens.weight")]
    [InlineData("base_model.model.model.embed_tokens.modules_to_save.weight", "SavedModule", "model.embed_tokens.weight")]
    [InlineData("base_model.model.model.embed_tokens.original_module.weight", "Ignored", "model.embed_tokens.original_module.weight")]
    [InlineData("base_model.model.model.layers.0.self_attn.q_proj.base_layer.weight", "Ignored", "model.layers.0.self_attn.q_proj.base_layer.weight")]
    [InlineData("base_model.model.model.layers.0.self_attn.q_proj.lora_magnitude_vector.weight", "Unsupported", "model.layers.0.self_attn.q_proj.lora_magnitude_vector.weight")]
    [InlineData("base_model.model.model.embed_tokens.lora_embedding_A", "Unsupported", "model.embed_tokens.lora_embedding_A")]
    [InlineData("base_model.model.model.layers.0.self_attn.q_proj.lora_B.bias", "Unsupported", "model.layers.0.self_attn.q_proj.lora_B.bias")]
    public void Parse_NamesOfAllVersions_AreUnderstood(string name, string kind, string expected)
    {
        var parsed = AdapterTensorName.Parse(name);

        (parsed.Kind.ToString(), parsed.Name).Should().Be((kind, expected));
    }

    [Fact]
    public void Open_SeveralProblems_ListsAll()
    {
        Write(Config, [Pair[0], Pair[1] with { Shape = [6, 3] }, new("base_model.model.model.layers.0.mlp.up_proj.lora_A.weight", DType.Float32, [2, 4]), new("base_model.model.lm_head.weight", DType.Float16, [0])]);

        var act = () => PeftAdapter.Open(_folder.Path);

        act.Should().Throw<AlpacaException>().WithMessage("*adapter_model.safetensors*lm_head.weight is empty*rank 2*only one of lora_A and lora_B*");
    }

    [Fact]
    public void Open_NothingInIt_SaysItWasSavedEmpty()
    {
        Write(Config with { TargetModules = [] }, []);

        var act = () => PeftAdapter.Open(_folder.Path);

        act.Should().Throw<AlpacaException>().WithMessage("*holds no LoRA weights*");
    }

    [Fact]
    public void Open_TargetOrSavedModuleWithoutWeights_IsAnError()
    {
        Write(Config with { TargetModules = ["q_proj", "v_proj"], ModulesToSave = ["lm_head"] }, Pair);

        var act = () => PeftAdapter.Open(_folder.Path);

        act.Should().Throw<AlpacaException>().WithMessage("*target v_proj*lm_head*");
    }

    [Fact]
    public void Open_TheSameMatrixTwice_IsAnError()
    {
        Write(Config, [.. Pair, new("base_model.model.model.layers.0.self_attn.q_proj.lora_A.other.weight", DType.Float32, [2, 4])]);

        var act = () => PeftAdapter.Open(_folder.Path);

        act.Should().Throw<AlpacaException>().WithMessage("*the same matrix twice*");
    }

    [Theory]
    [InlineData("\"use_dora\":true", "*DoRA*")]
    [InlineData("\"fan_in_fan_out\":true", "*fan_in_fan_out*")]
    [InlineData("\"enable_lora\":[true,false,true]", "*enable_lora*")]
    [InlineData("\"bias\":\"all\"", "*bias is all*")]
    [InlineData("\"init_lora_weights\":\"pissa\"", "*pissa*changes the base model*")]
    [InlineData("\"layer_replication\":[[0,2]]", "*layer_replication*")]
    [InlineData("\"alpha_pattern\":{\"^model.*\":4}", "*regular expression*")]
    [InlineData("\"peft_type\":\"IA3\"", "*type IA3*")]
    public void Load_AdapterThatIsNotPlainLora_IsRefusedByName(string field, string message)
    {
        var path = _folder.Write("adapter_config.json", $$"""{"r":2,"lora_alpha":8,"target_modules":["q_proj"],{{field}}}""");

        var act = () => LoraConfig.Load(path);

        act.Should().Throw<AlpacaException>().WithMessage(message).WithMessage("*adapter_config.json*");
    }

    [Fact]
    public void Load_UnknownAndHarmlessKeys_AreIgnored()
    {
        var path = _folder.Write("adapter_config.json", """
            {"r":8,"lora_alpha":32.0,"target_modules":"q_proj","modules_to_save":null,"enable_lora":null,"merge_weights":false,"use_dora":false,"layer_replication":null,
             "init_lora_weights":true,"loftq_config":{},"revision":null,"eva_config":null,"trainable_token_indices":null,"target_parameters":null,"rank_pattern":{"v_proj":4},"alpha_pattern":{}}
            """);

        var config = LoraConfig.Load(path);

        config.TargetModules.Should().Equal("q_proj");
        config.ScalingFor("model.layers.0.self_attn.q_proj").Should().Be(4);
        config.ScalingFor("model.layers.0.self_attn.v_proj").Should().Be(8);
        config.ScalingFor("model.layers.0.self_attn.my_v_proj").Should().Be(4);
    }

    [Fact]
    public void Save_AfterLoad_GivesTheSameConfiguration()
    {
        var config = Config with { UseRslora = true, ModulesToSave = ["embed_tokens"], LoraDropout = 0.05, BaseModelNameOrPath = "base", RankPattern = new Dictionary<string, int> { ["v_proj"] = 4 } };

        config.Save(_folder.Path);

        LoraConfig.Load(_folder.Path).Should().BeEquivalentTo(config);
    }

    [Fact]
    public void Open_ModelFolder_SaysItIsAModel()
    {
        _folder.Write("config.json", "{}");

        var act = () => PeftAdapter.Open(_folder.Path);

        act.Should().Throw<AlpacaException>().WithMessage("*no LoRA adapter*whole model*");
    }

    private void Write(LoraConfig config, IReadOnlyList<TensorInfo> tensors)
    {
        config.Save(_folder.Path);
        using var writer = new SafetensorsWriter(_folder.Combine(PeftAdapter.WeightsName), tensors);
        foreach (var tensor in tensors)
        {
            writer.Write(tensor.Name, 0, new byte[tensor.ByteLength]);
        }

        writer.Complete();
    }
}
