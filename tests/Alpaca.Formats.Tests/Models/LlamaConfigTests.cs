using System.Text.Json.Nodes;
using Alpaca.Abstractions;

namespace Alpaca.Formats.Tests.Models;

public sealed class LlamaConfigTests : IDisposable
{
    private const string Minimal = """{"model_type":"llama","hidden_size":64,"intermediate_size":192,"num_hidden_layers":2,"num_attention_heads":4,"vocab_size":320}""";

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Load_Minimal_HasTheDefaults()
    {
        var config = LlamaConfig.Load(_folder.Write("config.json", Minimal));

        config.Should().BeEquivalentTo(new
        {
            NumKeyValueHeads = 4, HeadDim = 16, RmsNormEps = 1e-6, RopeTheta = 10000.0, MaxPositionEmbeddings = 2048, TieWordEmbeddings = false, BosTokenId = 1, EosTokenId = 2,
            PadTokenId = (int?)null, RopeScaling = (RopeScaling?)null, TorchDType = DType.Float16,
        });
    }

    [Fact]
    public void Save_AfterLoad_KeepsUnknownKeysAndEveryValue()
    {
        var path = _folder.Write("config.json", """
            {"model_type":"llama","hidden_size":64,"intermediate_size":192,"num_hidden_layers":2,"num_attention_heads":4,"num_key_value_heads":2,"head_dim":32,"vocab_size":320,"rms_norm_eps":1e-05,
             "rope_theta":500000.0,"max_position_embeddings":8192,"tie_word_embeddings":true,"bos_token_id":128000,"eos_token_id":[128001,128009],"pad_token_id":0,"torch_dtype":"bfloat16",
             "rope_scaling":{"rope_type":"llama3","factor":8.0,"low_freq_factor":1.0,"high_freq_factor":4.0,"original_max_position_embeddings":8192},"attention_dropout":0.0,"my_key":{"a":[1]}}
            """);
        var config = LlamaConfig.Load(path);

        (config with { VocabSize = 321 }).Save(_folder.Path);

        var json = JsonNode.Parse(File.ReadAllText(path))!;
        json["vocab_size"]!.GetValue<int>().Should().Be(321);
        json["my_key"]!.ToJsonString().Should().Be("""{"a":[1]}""");
        LlamaConfig.Load(path).Should().BeEquivalentTo(config with { VocabSize = 321 });
    }

    [Fact]
    public void Save_Twice_GivesTheSameBytes()
    {
        var path = _folder.Write("config.json", Minimal);

        LlamaConfig.Load(path).Save(path);
        var first = File.ReadAllText(path);
        LlamaConfig.Load(path).Save(path);

        File.ReadAllText(path).Should().Be(first).And.EndWith("}\n");
    }

    [Fact]
    public void Load_RopeParametersOfNewVersions_AreUnderstood()
    {
        var path = _folder.Write("config.json", Minimal.Replace("}", ""","rope_parameters":{"rope_type":"default","rope_theta":500000.0}}""", StringComparison.Ordinal));

        var config = LlamaConfig.Load(path);

        config.RopeTheta.Should().Be(500000.0);
        config.RopeScaling.Should().BeNull();
    }

    [Fact]
    public void Load_SeveralProblems_ListsAll()
    {
        var path = _folder.Write("config.json", """{"model_type":"qwen2","hidden_size":0,"num_hidden_layers":2,"num_attention_heads":4,"vocab_size":"many","intermediate_size":8,"attention_bias":true}""");

        var act = () => LlamaConfig.Load(path);

        act.Should().Throw<AlpacaException>().WithMessage("*config.json*model_type is qwen2*attention_bias*hidden_size is 0*vocab_size is \"many\"*");
    }

    [Theory]
    [InlineData("\"num_attention_heads\":4", "\"num_attention_heads\":5", "*hidden_size 64 is not a multiple*")]
    [InlineData("\"vocab_size\":320", "\"vocab_size\":320,\"num_key_value_heads\":3", "*num_key_value_heads 3*")]
    [InlineData("\"vocab_size\":320", "\"vocab_size\":320,\"head_dim\":7", "*7 wide*")]
    [InlineData("\"vocab_size\":320", "\"vocab_size\":320,\"rope_theta\":0", "*rope_theta is 0*")]
    [InlineData("\"vocab_size\":320", "\"vocab_size\":320,\"eos_token_id\":[]", "*eos_token_id*")]
    [InlineData("\"vocab_size\":320", "\"vocab_size\":320,\"torch_dtype\":\"int8\"", "*torch_dtype is int8*")]
    public void Load_Contradiction_IsAnError(string old, string changed, string message)
    {
        var path = _folder.Write("config.json", Minimal.Replace(old, changed, StringComparison.Ordinal));

        var act = () => LlamaConfig.Load(path);

        act.Should().Throw<AlpacaException>().WithMessage(message);
    }
}
