using System.Text;
using Alpaca.Abstractions;

namespace Alpaca.Formats.Tests.Hostile;

/// <summary>Thousands of damaged adapter folders, and the cases that are known by name.</summary>
public sealed class AdapterHostileTests : IDisposable
{
    private const string Module = "model.layers.0.self_attn.q_proj";

    // adapter_config.json becomes a document of JSON nodes.
    private static readonly AllocationBound Bound = new(128 << 10, 64);

    private static readonly byte[] Config = Encoding.UTF8.GetBytes(
        """{"base_model_name_or_path":"../../base","r":2,"lora_alpha":8.0,"lora_dropout":0.05,"target_modules":["q_proj"],"modules_to_save":["lm_head"],"rank_pattern":{"v_proj":4},"alpha_pattern":{},"bias":"none","peft_type":"LORA"}""");

    private static readonly byte[] OddConfig = Encoding.UTF8.GetBytes(
        """{"r":-1,"lora_alpha":1e999,"target_modules":[["\ud800"]],"modules_to_save":"","rank_pattern":{"a":0,"\udc00":null},"alpha_pattern":[],"peft_type":null,"layer_replication":{"x":[{}]},"init_lora_weights":"\ud800"}""");

    private static readonly byte[] Weights = SafetensorsMutations.File(
        $$"""
        {"base_model.model.{{Module}}.lora_A.weight":{"dtype":"F32","shape":[2,3],"data_offsets":[0,24]},"base_model.model.{{Module}}.lora_B.weight":{"dtype":"F32","shape":[4,2],"data_offsets":[24,56]},
        "base_model.model.lm_head.weight":{"dtype":"F16","shape":[5,3],"data_offsets":[56,86]} }
        """, 86);

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Open_ChangedConfigurations_AreRefusedByNameOrReadable()
    {
        File.WriteAllBytes(_folder.Combine("adapter_model.safetensors"), Weights);

        var run = Run("adapter_config.json", random => Mutation.Of(Config, OddConfig, random)).Over(0, 1500);

        run.Refused.Should().BeGreaterThan(300);
        run.Opened.Should().BeGreaterThan(100);
    }

    [Fact]
    public void Open_ChangedWeights_AreRefusedByNameOrReadable()
    {
        File.WriteAllBytes(_folder.Combine("adapter_config.json"), Config);

        var run = Run("adapter_model.safetensors", random => Mutation.Of(Weights, Weights, random)).Over(10_000, 1500);

        run.Refused.Should().BeGreaterThan(300);
        run.Opened.Should().BeGreaterThan(30);
    }

    [Fact]
    public void Open_ChangedPickledWeights_AreRefusedByName()
    {
        File.WriteAllBytes(_folder.Combine("adapter_config.json"), Config);

        Run("adapter_model.bin", PthMutations.Pickles).Over(20_000, 500).Opened.Should().Be(0, "their tensors are no adapter's");
    }

    [Fact, Trait("Category", "Slow")]
    public void Open_ManyMoreOfEveryKind_AreRefusedByNameOrReadable()
    {
        File.WriteAllBytes(_folder.Combine("adapter_model.safetensors"), Weights);
        Run("adapter_config.json", random => Mutation.Of(Config, OddConfig, random)).Over(1_000_000, 50_000, stopAfter: TimeSpan.FromSeconds(8));
    }

    [Theory]
    [InlineData("../../../etc/passwd")]
    [InlineData("/etc/passwd")]
    [InlineData("..\\..\\x")]
    [InlineData("C:\\x")]
    public void Open_ModulesNamedLikePaths_AreNamesAndNothingElse(string module)
    {
        var name = module.Replace(@"\", @"\\", StringComparison.Ordinal);
        File.WriteAllText(_folder.Combine("adapter_config.json"), """{"r":2,"lora_alpha":8,"target_modules":["x"]}""");
        File.WriteAllBytes(_folder.Combine("adapter_model.safetensors"), SafetensorsMutations.File(
            $$"""{"{{name}}.lora_A.weight":{"dtype":"F32","shape":[2,3],"data_offsets":[0,24]},"{{name}}.lora_B.weight":{"dtype":"F32","shape":[4,2],"data_offsets":[24,56]} }""", 56));

        using var adapter = PeftAdapter.Open(_folder.Path);

        adapter.Pairs.Keys.Should().Equal(module);
        Directory.GetFileSystemEntries(_folder.Path).Should().HaveCount(2);
    }

    [Theory]
    [InlineData("base_model.model.model.layers.0.self_attn.q_proj.lora_A.default.weight")]
    [InlineData("model.layers.0.self_attn.q_proj.lora_A.weight")]
    public void Open_TheSameMatrixUnderAnotherName_IsRefused(string name)
    {
        Write(
            ("base_model.model.model.layers.0.self_attn.q_proj.lora_A.weight", "2,3"), ("base_model.model.model.layers.0.self_attn.q_proj.lora_B.weight", "4,2"), (name, "2,3"));

        Refuse("*adapter_model.safetensors*the same matrix twice*");
    }

    [Theory]
    [InlineData("base_model.model.model.embed_tokens.weight", "")]
    [InlineData("base_model.model.model.embed_tokens.weight", "6")]
    [InlineData("base_model.model.lm_head.weight", "1,2,3")]
    [InlineData("base_model.model.lm_head.modules_to_save.default.weight", "")]
    public void Open_EmbeddingThatIsNoMatrix_IsRefused(string name, string shape)
    {
        Write((name, shape));

        Refuse("*adapter_model.safetensors*expected rows and columns*");
    }

    [Fact]
    public void Open_ManyPatternsAndModules_AreRefusedBecauseEachWouldBeTriedOnEach()
    {
        Write(("base_model.model.lm_head.weight", "1,2"));
        var many = string.Join(',', Enumerable.Range(0, 20_000).Select(i => $"\"x{i}\""));
        foreach (var json in (string[])[
            $$"""{"r":2,"lora_alpha":8,"target_modules":[{{many}}]}""", $$"""{"r":2,"lora_alpha":8,"modules_to_save":[{{many}}]}""",
            $$"""{"r":2,"lora_alpha":8,"rank_pattern":{ {{many.Replace(",", ":1,", StringComparison.Ordinal)}}:1} }""", $$"""{"r":2,"lora_alpha":8,"alpha_pattern":{ {{many.Replace(",", ":1,", StringComparison.Ordinal)}}:1} }""",
        ])
        {
            File.WriteAllText(_folder.Combine("adapter_config.json"), json);

            Refuse("*adapter_config.json*20000 entries*");
        }
    }

    [Fact]
    public void Load_AThousandProblems_ListsTheFirst()
    {
        File.WriteAllText(_folder.Combine("adapter_config.json"), $$"""{"r":2,"lora_alpha":8,"rank_pattern":{ {{string.Join(',', Enumerable.Range(0, 1000).Select(i => $"\"^x{i}\\u001b[0m\":1"))}} } }""");

        var message = FluentActions.Invoking(() => LoraConfig.Load(_folder.Path)).Should().Throw<AlpacaException>().WithMessage("*^x0?[0m is a regular expression*and 992 more*").Which.Message;

        message.Length.Should().BeLessThan(2000);
    }

    [Fact]
    public void Open_FoldersInPlaceOfFiles_AreRefused()
    {
        Directory.CreateDirectory(_folder.Combine("adapter_config.json"));
        Refuse("*has no adapter_config.json*");
        Directory.Delete(_folder.Combine("adapter_config.json"));
        File.WriteAllBytes(_folder.Combine("adapter_config.json"), Config);
        Directory.CreateDirectory(_folder.Combine("adapter_model.safetensors"));
        Refuse("*has neither adapter_model.safetensors nor adapter_model.bin*");
    }

    private void Write(params (string Name, string Shape)[] tensors)
    {
        var position = 0;
        var header = string.Join(',', tensors.Select(t =>
        {
            var length = t.Shape.Split(',', StringSplitOptions.RemoveEmptyEntries).Aggregate(4, (product, size) => product * int.Parse(size, System.Globalization.CultureInfo.InvariantCulture));
            return $$""" "{{t.Name}}":{"dtype":"F32","shape":[{{t.Shape}}],"data_offsets":[{{position}},{{position += length}}]}""";
        }));
        File.WriteAllText(_folder.Combine("adapter_config.json"), """{"r":2,"lora_alpha":8}""");
        File.WriteAllBytes(_folder.Combine("adapter_model.safetensors"), SafetensorsMutations.File($"{{{header}}}", position));
    }

    private void Refuse(string message) =>
        FluentActions.Invoking(() => PeftAdapter.Open(_folder.Path).Dispose()).Should().Throw<AlpacaException>().WithMessage(message).WithMessage($"*{_folder.Path}*");

    private HostileRun Run(string fileName, Func<Random, byte[]> make) => new(_folder.Path, Bound, make, bytes => File.WriteAllBytes(_folder.Combine(fileName), bytes), Read);

    private void Read()
    {
        using var adapter = PeftAdapter.Open(_folder.Path);
        Reading.All(adapter.Tensors);
        if (adapter.VocabularySize < 1 || adapter.Pairs.Keys.Any(module => adapter.Config.RankFor(module) < 1 || !double.IsFinite(adapter.Config.ScalingFor(module))))
        {
            throw new InvalidOperationException("The adapter is not what it says.");
        }
    }
}
