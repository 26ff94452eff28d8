using System.Text.Json.Nodes;
using Alpaca.Abstractions;
using Alpaca.Formats;
using Alpaca.Text;
using Microsoft.ML.OnnxRuntime;

namespace Alpaca.Inference.Onnx.Tests;

public sealed class OnnxExporterTests
{
    [Theory]
    [MemberData(nameof(LlamaFixture.Names), MemberType = typeof(LlamaFixture))]
    public async Task Export_TinyModel_LogitsEqualPyTorch(string name)
    {
        var fixture = LlamaFixture.Load(name);
        using var model = await ExportedModel.OfAsync(fixture.Folder);

        var logits = model.LogitsAfter(fixture.Prompt);

        logits.Should().HaveSameCount(fixture.Logits);
        logits.Zip(fixture.Logits, (actual, expected) => Math.Abs(actual - expected)).Max().Should().BeLessThan(1e-4f);
    }

    [Theory]
    [MemberData(nameof(LlamaFixture.Names), MemberType = typeof(LlamaFixture))]
    public async Task Export_TinyModel_GreedyContinuationEqualsPyTorch(string name)
    {
        var fixture = LlamaFixture.Load(name);
        using var model = await ExportedModel.OfAsync(fixture.Folder);
        using var decoder = Decoders.Open(model.Folder);
        var logits = decoder.Extend(0, 0, fixture.Prompt, null, LogitRows.Last).ToArray();
        var greedy = new List<int>();

        while (greedy.Count < fixture.Greedy.Length)
        {
            greedy.Add(Array.IndexOf(logits, logits.Max()));
            logits = decoder.Step(0, [greedy[^1]], [fixture.Prompt.Length + greedy.Count - 1], null).ToArray();
        }

        greedy.Should().Equal(fixture.Greedy);
    }

    [Fact]
    public async Task Export_GroupedModel_NamesAndShapesAreThoseOtherClientsKnow()
    {
        using var model = await ExportedModel.OfAsync(LlamaFixture.Load("grouped").Folder);

        model.Session.InputNames.Should().BeEquivalentTo(["input_ids", "attention_mask", "past_key_values.0.key", "past_key_values.0.value"]);
        model.Session.OutputNames.Should().Equal(["logits", "present.0.key", "present.0.value", "hidden_states"]);
        model.Session.OverridableInitializerMetadata.Keys.Should().Equal(["num_logits_to_keep"]);
        model.Session.InputMetadata["past_key_values.0.key"].SymbolicDimensions.Should().Equal(["batch_size", "", "past_sequence_length", ""]);
        model.Session.OutputMetadata["logits"].SymbolicDimensions.Should().Equal(["batch_size", "sequence_length", ""]);
    }

    [Fact]
    public async Task Export_GroupedModel_RunsWithAGrowingCacheAsOtherClientsRunIt()
    {
        var prompt = LlamaFixture.Load("grouped").Prompt;
        using var model = await ExportedModel.OfAsync(LlamaFixture.Load("grouped").Folder);
        using var options = new RunOptions();
        using var nothing = OrtValue.CreateTensorValueFromMemory(Array.Empty<float>(), [1, 2, 0, 32]);
        using var first = Run(prompt[..10], 10, nothing, nothing);
        using var second = Run(prompt[10..], prompt.Length, first[1], first[2]);

        second[0].GetTensorTypeAndShape().Shape.Should().Equal(1, prompt.Length - 10, 160);
        second[1].GetTensorTypeAndShape().Shape.Should().Equal(1, 2, prompt.Length, 32);
        var last = second[0].GetTensorDataAsSpan<float>()[^160..].ToArray();
        last.Zip(model.LogitsAfter(prompt), (grown, inPlace) => Math.Abs(grown - inPlace)).Max().Should().BeLessThan(1e-5f);

        IDisposableReadOnlyCollection<OrtValue> Run(int[] ids, int total, OrtValue key, OrtValue value)
        {
            using var input = OrtValue.CreateTensorValueFromMemory(Array.ConvertAll(ids, id => (long)id), [1, ids.Length]);
            using var mask = OrtValue.CreateTensorValueFromMemory(Enumerable.Repeat(1L, total).ToArray(), [1, total]);
            return model.Session.Run(
                options, ["input_ids", "attention_mask", "past_key_values.0.key", "past_key_values.0.value"], [input, mask, key, value],
                ["logits", "present.0.key", "present.0.value"]);
        }
    }

    [Fact]
    public async Task Export_PlainModel_WeightsAreTheModelsOwnInFloat32()
    {
        var fixture = LlamaFixture.Load("plain");
        using var model = await ExportedModel.OfAsync(fixture.Folder);
        using var original = TensorSource.Open(fixture.Folder);
        using var exported = OnnxTensorSource.Open(Path.Combine(model.Folder, OnnxFiles.Model));

        exported.ReadAsFloat32(exported.Find("model.embed_tokens.weight")!).Should().Equal(original.ReadAsFloat32(original.Find("model.embed_tokens.weight")!));
        var up = original.ReadAsFloat32(original.Find("model.layers.1.mlp.up_proj.weight")!); // [96, 32]
        var transposed = exported.Find("model.layers.1.mlp.up_proj.MatMul.weight")!;
        transposed.Shape.Should().Equal(32, 96);
        exported.ReadAsFloat32(transposed).Should().Equal(Enumerable.Range(0, 32 * 96).Select(i => up[(i % 96 * 32) + (i / 96)]));
    }

    [Fact]
    public async Task Export_TiedModel_StoresTheEmbeddingOnce()
    {
        using var model = await ExportedModel.OfAsync(LlamaFixture.Load("tied").Folder);
        using var exported = OnnxTensorSource.Open(Path.Combine(model.Folder, OnnxFiles.Model));

        exported.Tensors.Should().ContainSingle(t => t.Shape.Contains(160)).Which.Name.Should().Be("model.embed_tokens.weight");
    }

    [Fact]
    public async Task Export_Model_WritesConfigurationAndTokenizerBesideTheGraph()
    {
        using var source = CopyOf("plain");
        source.Write("tokenizer.model", "pieces");
        source.Write("tokenizer_config.json", "{}");
        using var model = await ExportedModel.OfAsync(source.Path);

        Directory.GetFiles(model.Folder).Select(Path.GetFileName).Should().BeEquivalentTo(
            ["model.onnx", "model.onnx.data", "config.json", "generation_config.json", "genai_config.json", "export_report.json", "tokenizer.model", "tokenizer_config.json"]);
        File.ReadAllText(Path.Combine(model.Folder, "config.json")).Should().Be(File.ReadAllText(source.Combine("config.json")));
        File.ReadAllText(Path.Combine(model.Folder, "tokenizer.model")).Should().Be("pieces");
        JsonNode.Parse(File.ReadAllText(Path.Combine(model.Folder, "generation_config.json")))!["eos_token_id"]!.GetValue<int>().Should().Be(2);
        var genai = JsonNode.Parse(File.ReadAllText(Path.Combine(model.Folder, "genai_config.json")))!;
        genai["model"]!["decoder"]!["head_size"]!.GetValue<int>().Should().Be(16);
        genai["model"]!["context_length"]!.GetValue<int>().Should().Be(512);
        genai["search"]!["past_present_share_buffer"]!.GetValue<bool>().Should().BeTrue();
    }

    [Theory]
    [InlineData(new[] { 2 }, "2")]
    [InlineData(new[] { 128001, 128009 }, "[128001,128009]")]
    public void GenaiConfig_EndOfSequence_IsOneIdOrAList(int[] ids, string json)
    {
        var config = LlamaConfig.Load(LlamaFixture.Load("plain").Folder) with { EosTokenIds = ids };

        JsonNode.Parse(GenaiConfig.For(config, GraphMetadata.Shared))!["model"]!["eos_token_id"]!.ToJsonString().Should().Be(json);
        JsonNode.Parse(GenaiConfig.GenerationDefaults(config))!["eos_token_id"]!.ToJsonString().Should().Be(json);
    }

    [Fact]
    public async Task Export_Model_ReportsMegabytesAndSeconds()
    {
        using var model = await ExportedModel.OfAsync(LlamaFixture.Load("plain").Folder);

        model.Artifact.Precision.Should().Be(Precision.Fp32);
        model.Artifact.Metrics["megabytes"].Should().BeApproximately(new FileInfo(Path.Combine(model.Folder, OnnxFiles.Data)).Length / 1e6, 1e-9);
        model.Artifact.Metrics.Should().ContainKey("seconds").WhoseValue.Should().BePositive();
    }

    [Theory]
    [InlineData("\"rope_scaling\": null", "\"rope_scaling\": {\"rope_type\": \"yarn\", \"factor\": 4.0}", "*rope_scaling*yarn*linear and llama3*")]
    [InlineData("\"rope_scaling\": null", "\"rope_scaling\": {\"rope_type\": \"llama3\", \"factor\": 4.0}", "*llama3*low_freq_factor*")]
    public async Task Export_UnsupportedConfiguration_NamesItAndWritesNothing(string key, string replacement, string message)
    {
        using var source = CopyOf("plain");
        File.WriteAllText(source.Combine("config.json"), File.ReadAllText(source.Combine("config.json")).Replace(key, replacement, StringComparison.Ordinal));
        using var folder = new TemporaryFolder();
        var context = StageContexts.In(folder);

        var export = () => new OnnxExporter().ExecuteAsync(new ExportRequest { Model = source.Path }, context);

        (await export.Should().ThrowAsync<AlpacaException>()).WithMessage(message);
        Directory.EnumerateFileSystemEntries(context.OutputFolder).Should().BeEmpty();
    }

    [Fact]
    public async Task Export_Cancelled_LeavesNoGraph()
    {
        using var folder = new TemporaryFolder();
        var context = StageContexts.In(folder);

        var export = () => new OnnxExporter().ExecuteAsync(new ExportRequest { Model = LlamaFixture.Load("plain").Folder }, context, new CancellationToken(canceled: true));

        await export.Should().ThrowAsync<OperationCanceledException>();
        File.Exists(Path.Combine(context.OutputFolder, OnnxFiles.Model)).Should().BeFalse();
    }

    private static TemporaryFolder CopyOf(string fixture)
    {
        var copy = new TemporaryFolder();
        foreach (var name in (string[])["config.json", "model.safetensors"]) File.Copy(Path.Combine(LlamaFixture.Load(fixture).Folder, name), copy.Combine(name));
        return copy;
    }
}
