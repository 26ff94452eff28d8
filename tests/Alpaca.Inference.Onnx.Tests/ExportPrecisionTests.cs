using Alpaca.Abstractions;
using Alpaca.Formats;

namespace Alpaca.Inference.Onnx.Tests;

/// <summary>Graphs of every precision against PyTorch's logits or those of the quantised weights.</summary>
public sealed class ExportPrecisionTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("plain")]
    [InlineData("grouped")]
    [InlineData("tied")]
    public async Task Export_Fp16_LogitsAreWithinTwoHundredthsOfPyTorch(string name)
    {
        var fixture = LlamaFixture.Load(name);
        using var graph = await ExportedGraph.OfAsync(new ExportRequest { Model = fixture.Folder, Precision = Precision.Fp16 });

        LogitDifference.RelativeBetween(graph.LastLogits(fixture.Prompt), fixture.Logits).Should().BeLessThan(2e-2f);
        graph.Session.InputMetadata["past_key_values.0.key"].ElementType.Should().Be<Microsoft.ML.OnnxRuntime.Float16>();
        graph.Session.OutputMetadata["logits"].ElementType.Should().Be<float>();
        graph.Artifact.Precision.Should().Be(Precision.Fp16);
    }

    [Theory]
    [InlineData("plain", Precision.Int8, 32, true, Precision.Fp32)]
    [InlineData("plain", Precision.Int8, 16, false, Precision.Fp16)]
    [InlineData("plain", Precision.Int4, 32, true, Precision.Fp32)]
    [InlineData("plain", Precision.Int4, 32, false, Precision.Fp32)]
    [InlineData("plain", Precision.Int4, 128, true, Precision.Fp32)] // wider than the hidden size: one padded block a row
    [InlineData("grouped", Precision.Int4, 32, true, Precision.Fp32)] // 48 and 80 columns: a last block that is not full
    [InlineData("grouped", Precision.Int4, 32, false, Precision.Fp32)] // an odd number of zero points in some rows
    [InlineData("grouped", Precision.Int4, 16, true, Precision.Fp16)]
    [InlineData("tied", Precision.Int4, 32, true, Precision.Fp32)]
    [InlineData("tied", Precision.Int4, 32, false, Precision.Fp16)]
    [InlineData("tied", Precision.Int4, 64, true, Precision.Fp32)] // the hidden size is no multiple: the embedding is stored beside the head
    [InlineData("tied", Precision.Int8, 32, true, Precision.Fp32)]
    public async Task Export_Quantized_LogitsAreThoseOfTheRoundedWeights(string name, Precision precision, int blockSize, bool symmetric, Precision activations)
    {
        var fixture = LlamaFixture.Load(name);
        var request = new ExportRequest { Model = fixture.Folder, Precision = precision, BlockSize = blockSize, Symmetric = symmetric, ActivationPrecision = activations };
        using var graph = await ExportedGraph.OfAsync(request);
        using var model = HuggingFaceModel.Open(fixture.Folder);
        using var exported = graph.OpenTensors();
        var weights = LlamaGraph.Build(model.Config, GraphFormat.Of(request, model.Config)).Weights;
        var rounded = new StreamedForward(model.Config with { TieWordEmbeddings = false }, new QuantizedWeights(model, exported, weights), fixture.Prompt)
            .Run(new RowPipeline(NullProgress.Instance, CancellationToken.None));

        var logits = graph.LastLogits(fixture.Prompt);

        LogitDifference.RelativeBetween(logits, rounded[fixture.Prompt.Length - 1].ToArray()).Should().BeLessThan(0.05f, "activations are rounded to 8 bits");
        var fromPyTorch = LogitDifference.RelativeBetween(logits, fixture.Logits);
        fromPyTorch.Should().BeInRange(1e-5f, precision == Precision.Int8 ? 0.05f : 0.5f);
    }

    [Theory]
    [InlineData(Precision.Fp32, Precision.Fp32, 1e-4f)]
    [InlineData(Precision.Fp16, Precision.Fp32, 2e-2f)]
    [InlineData(Precision.Int8, Precision.Fp32, 0.05f)]
    [InlineData(Precision.Int8, Precision.Fp16, 0.05f)]
    public async Task Export_HeadSizeThatGroupQueryAttentionRefuses_FallsBackToStandardAttention(Precision precision, Precision activations, float tolerance)
    {
        var config = new LlamaConfig
        {
            HiddenSize = 96, IntermediateSize = 80, NumHiddenLayers = 2, NumAttentionHeads = 4, NumKeyValueHeads = 2, HeadDim = 24, VocabSize = 90, MaxPositionEmbeddings = 64, TorchDType = DType.Float32,
        };
        RandomModel.Write(_folder.Path, config, seed: 1);
        int[] ids = [1, 5, 80, 33, 2, 9, 47, 60];
        var expected = RandomModel.Logits(_folder.Path, ids);
        using var graph = await ExportedGraph.OfAsync(new ExportRequest { Model = _folder.Path, Precision = precision, ActivationPrecision = activations });
        using var run = graph.Start();

        float[] logits = [.. run.Step(ids.AsSpan(0, 5)), .. run.Step(ids.AsSpan(5, 2)), .. run.Step(ids.AsSpan(7, 1))];

        LogitDifference.RelativeBetween(logits, expected).Should().BeLessThan(tolerance);
        graph.Session.ModelMetadata.CustomMetadataMap["alpaca.kv_cache"].Should().Be("growing");
        File.ReadAllText(Path.Combine(graph.Folder, OnnxFiles.GenaiConfig)).Should().Contain("\"past_present_share_buffer\": false");
    }

    [Fact]
    public async Task Export_TiedInt4_SharesOneQuantizedTable()
    {
        using var graph = await ExportedGraph.OfAsync(new ExportRequest { Model = LlamaFixture.Load("tied").Folder, Precision = Precision.Int4 });
        using var tensors = graph.OpenTensors();

        tensors.Tensors.Where(t => t.Shape is [160, ..]).Select(t => (t.Name, t.DType)).Should().Equal(
            ("lm_head.MatMul.weight_Q8", DType.UInt8), ("lm_head.MatMul.weight_scales", DType.Float32));
    }

    [Fact]
    public async Task Export_TiedFp16_StoresTheEmbeddingOnce()
    {
        using var graph = await ExportedGraph.OfAsync(new ExportRequest { Model = LlamaFixture.Load("tied").Folder, Precision = Precision.Fp16 });
        using var tensors = graph.OpenTensors();

        tensors.Tensors.Should().ContainSingle(t => t.Shape.Contains(160)).Which.DType.Should().Be(DType.Float16);
    }

    [Fact]
    public async Task Export_UntiedInt4_KeepsTheEmbeddingInFloat16()
    {
        var fixture = LlamaFixture.Load("plain"); // its weights are float16
        using var graph = await ExportedGraph.OfAsync(new ExportRequest { Model = fixture.Folder, Precision = Precision.Int4 });
        using var tensors = graph.OpenTensors();
        using var model = TensorSource.Open(fixture.Folder);

        var table = tensors.Find(LlamaTensorNames.EmbedTokens)!;
        table.DType.Should().Be(DType.Float16);
        tensors.ReadBytes(table).Should().Equal(model.ReadBytes(model.Find(LlamaTensorNames.EmbedTokens)!));
    }

    [Fact]
    public async Task Export_KeepLayers_StoresThoseInTheirPrecision()
    {
        using var graph = await ExportedGraph.OfAsync(
            new ExportRequest { Model = LlamaFixture.Load("plain").Folder, Precision = Precision.Int4, KeepLayers = ["lm_head", "layers.1.mlp.down_proj=fp32", "layers.*.self_attn.q_proj"] });
        using var tensors = graph.OpenTensors();
        var names = tensors.Tensors.Select(t => t.Name).ToList();

        names.Should().Contain(["lm_head.MatMul.weight_Q8", "model.layers.1.mlp.down_proj.MatMul.weight", "model.layers.0.self_attn.q_proj.MatMul.weight_Q8", "model.layers.1.self_attn.q_proj.MatMul.weight_Q8"]);
        names.Where(name => name.EndsWith("_Q4", StringComparison.Ordinal)).Should().HaveCount(11);
    }

    [Theory]
    [InlineData(Precision.Fp32)]
    [InlineData(Precision.Fp16)]
    [InlineData(Precision.Int4)]
    public async Task Export_NumLogitsToKeep_GivesTheLastPositions(Precision precision)
    {
        var fixture = LlamaFixture.Load("plain");
        using var graph = await ExportedGraph.OfAsync(new ExportRequest { Model = fixture.Folder, Precision = precision });
        using var all = graph.Start();
        var logits = all.Step(fixture.Prompt);
        logits.Should().HaveCount(fixture.Prompt.Length * graph.Config.VocabSize);

        foreach (var kept in (int[])[1, 3, 1000])
        {
            using var value = Microsoft.ML.OnnxRuntime.OrtValue.CreateTensorValueFromMemory([(long)kept], []);
            using var run = graph.Start(new Dictionary<string, Microsoft.ML.OnnxRuntime.OrtValue> { ["num_logits_to_keep"] = value });
            var last = run.Step(fixture.Prompt);
            last.Should().HaveCount(Math.Min(kept, fixture.Prompt.Length) * graph.Config.VocabSize);
            LogitDifference.Between(last, logits[^last.Length..]).Should().BeLessThan(1e-2f);
        }
    }

    [Theory]
    [InlineData(Precision.Fp32, 1e-4f)]
    [InlineData(Precision.Fp16, 2e-2f)]
    public async Task Export_HiddenStates_TimesTheHeadAreTheLogits(Precision precision, float tolerance)
    {
        var fixture = LlamaFixture.Load("plain");
        using var graph = await ExportedGraph.OfAsync(new ExportRequest { Model = fixture.Folder, Precision = precision });
        using var model = TensorSource.Open(fixture.Folder);
        using var run = graph.Start();
        var logits = run.Step(fixture.Prompt);
        run.HiddenStates.Should().HaveCount(fixture.Prompt.Length * graph.Config.HiddenSize);
        var (hidden, product) = (new Activations(fixture.Prompt.Length, graph.Config.HiddenSize), new Activations(fixture.Prompt.Length, graph.Config.VocabSize));
        run.HiddenStates.CopyTo(hidden.Values, 0);

        RowProducts.Multiply(model.ReadAsFloat32(model.Find(LlamaTensorNames.LmHead)!), hidden, product, 0);

        LogitDifference.RelativeBetween(product.Values, logits).Should().BeLessThan(tolerance);
    }

    [Theory]
    [InlineData(Precision.Fp32, false, "fp32", "false")]
    [InlineData(Precision.Int4, true, "int4", "true")]
    public async Task Export_Metadata_SaysWhatTheGraphIs(Precision precision, bool adapterInputs, string precisionText, string adapterText)
    {
        using var graph = await ExportedGraph.OfAsync(new ExportRequest { Model = LlamaFixture.Load("plain").Folder, Precision = precision, AdapterInputs = adapterInputs });

        graph.Session.ModelMetadata.CustomMetadataMap.Should().BeEquivalentTo(
            new Dictionary<string, string> { ["alpaca.kv_cache"] = "shared", ["alpaca.precision"] = precisionText, ["alpaca.adapter_inputs"] = adapterText });
    }
}
