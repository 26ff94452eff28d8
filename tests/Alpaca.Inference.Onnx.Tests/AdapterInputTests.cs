using System.Runtime.InteropServices;
using Alpaca.Abstractions;
using Alpaca.Formats;
using Alpaca.Merging;
using Microsoft.ML.OnnxRuntime;

namespace Alpaca.Inference.Onnx.Tests;

/// <summary>A graph with adapter inputs, fed with an adapter's matrices, against base and adapter merged.</summary>
public sealed class AdapterInputTests : IDisposable
{
    private static readonly LlamaConfig Config = new()
    {
        HiddenSize = 64, IntermediateSize = 96, NumHiddenLayers = 2, NumAttentionHeads = 4, NumKeyValueHeads = 2, VocabSize = 90, MaxPositionEmbeddings = 64, TorchDType = DType.Float32,
    };

    private static readonly int[] Ids = [1, 5, 80, 33, 2, 9, 47];

    private readonly TemporaryFolder _folder = new();
    private readonly Dictionary<string, OrtValue> _fed = [];

    public void Dispose()
    {
        foreach (var value in _fed.Values) value.Dispose();
        _folder.Dispose();
    }

    [Theory]
    [InlineData(false, Precision.Fp32, 1e-4f)]
    [InlineData(true, Precision.Fp32, 1e-4f)]
    [InlineData(false, Precision.Int8, 0.1f)]
    [InlineData(true, Precision.Int8, 0.1f)]
    public async Task Export_AdapterInputsFed_GiveTheMergedModelsLogits(bool isTied, Precision precision, float tolerance)
    {
        var (model, adapter) = Make(Config with { TieWordEmbeddings = isTied });
        var merged = StageContexts.In(_folder, "merged");
        await new AdapterMerger().ExecuteAsync(new MergeRequest { BaseModel = model, LoraModel = [adapter] }, merged);
        var expected = RandomModel.Logits(merged.OutputFolder, Ids)[^Config.VocabSize..];
        using var graph = await ExportedGraph.OfAsync(new ExportRequest { Model = model, Precision = precision, AdapterInputs = true });
        Feed(model, adapter, graph.Session);

        LogitDifference.Between(graph.LastLogits(Ids, _fed), expected).Should().BeLessThan(tolerance);
        LogitDifference.Between(graph.LastLogits(Ids), expected).Should().BeGreaterThan(2 * tolerance, "the adapter changes the logits");
    }

    [Theory]
    [InlineData(Precision.Fp32)]
    [InlineData(Precision.Fp16)]
    [InlineData(Precision.Int4)]
    public async Task Export_AdapterInputsNotFed_GiveTheModelsOwnLogits(Precision precision)
    {
        RandomModel.Write(_folder.Path, Config, seed: 4);
        using var without = await ExportedGraph.OfAsync(new ExportRequest { Model = _folder.Path, Precision = precision });
        using var with = await ExportedGraph.OfAsync(new ExportRequest { Model = _folder.Path, Precision = precision, AdapterInputs = true });

        LogitDifference.Between(with.LastLogits(Ids), without.LastLogits(Ids)).Should().BeLessThan(1e-5f);
        with.Session.InputNames.Should().Equal(without.Session.InputNames, "who feeds no adapter sees the same inputs");
    }

    [Fact]
    public async Task Export_AdapterInputs_AreThoseOfEveryProjectionTheHeadAndTheEmbedding()
    {
        RandomModel.Write(_folder.Path, Config, seed: 4);
        using var graph = await ExportedGraph.OfAsync(new ExportRequest { Model = _folder.Path, AdapterInputs = true });

        var inputs = graph.Session.OverridableInitializerMetadata;

        var modules = Enumerable.Range(0, 2).SelectMany(layer => LlamaTensorNames.Projections.Select(p => LlamaTensorNames.Module(layer, p))).Append("lm_head");
        inputs.Keys.Should().BeEquivalentTo([.. modules.SelectMany(m => new[] { $"{m}.lora_A", $"{m}.lora_B" }), "model.embed_tokens.weight", "num_logits_to_keep"]);
        inputs["model.layers.1.mlp.down_proj.lora_A"].Dimensions[0].Should().Be(96);
        inputs["model.layers.1.mlp.down_proj.lora_B"].Dimensions[1].Should().Be(64);
    }

    /// <summary>A base and a PEFT adapter of all projections, with its own embedding and, unless it is tied, its own head.</summary>
    private (string Model, string Adapter) Make(LlamaConfig config)
    {
        string model = _folder.Combine("base"), adapter = _folder.Combine("adapter");
        Directory.CreateDirectory(model);
        Directory.CreateDirectory(adapter);
        RandomModel.Write(model, config, seed: 2);
        string[] saved = config.TieWordEmbeddings ? ["embed_tokens"] : ["embed_tokens", "lm_head"];
        new LoraConfig { R = 3, LoraAlpha = 6, TargetModules = LlamaTensorNames.Projections, ModulesToSave = saved }.Save(adapter);
        List<TensorInfo> tensors = [];
        foreach (var weight in LlamaTensorNames.Describe(config).Where(t => t.Shape.Count == 2))
        {
            if (weight.Name is LlamaTensorNames.EmbedTokens or LlamaTensorNames.LmHead)
            {
                tensors.Add(new TensorInfo(PeftAdapter.TensorNameForSaved(weight.Name), DType.Float32, weight.Shape));
                continue;
            }

            var module = weight.Name[..^".weight".Length];
            tensors.Add(new TensorInfo(PeftAdapter.TensorNameFor(module, "A"), DType.Float32, [3, weight.Shape[1]]));
            tensors.Add(new TensorInfo(PeftAdapter.TensorNameFor(module, "B"), DType.Float32, [weight.Shape[0], 3]));
        }

        var random = new Random(8);
        using var writer = new SafetensorsWriter(Path.Combine(adapter, PeftAdapter.WeightsName), tensors);
        foreach (var tensor in tensors)
        {
            var values = Enumerable.Range(0, (int)tensor.ElementCount).Select(_ => random.NextSingle() - 0.5f).ToArray();
            writer.Write(tensor.Name, 0, MemoryMarshal.AsBytes<float>(values));
        }

        writer.Complete();
        return (model, adapter);
    }

    private void Feed(string modelFolder, string adapterFolder, InferenceSession session)
    {
        using var model = HuggingFaceModel.Open(modelFolder);
        using var adapter = PeftAdapter.Open(adapterFolder);
        foreach (var (module, pair) in adapter.Pairs)
        {
            Add($"{module}.lora_A", Transposed(adapter.Tensors.ReadAsFloat32(pair.A), pair.A.Shape));
            var b = Transposed(adapter.Tensors.ReadAsFloat32(pair.B), pair.B.Shape);
            Add($"{module}.lora_B", (Array.ConvertAll(b.Values, value => value * (float)adapter.Config.ScalingFor(module)), b.Shape));
        }

        var table = adapter.SavedModules[LlamaTensorNames.EmbedTokens];
        var embedding = adapter.Tensors.ReadAsFloat32(table);
        if (session.OverridableInitializerMetadata[LlamaTensorNames.EmbedTokens].ElementType == typeof(float)) Add(LlamaTensorNames.EmbedTokens, (embedding, [.. table.Shape]));
        else _fed.Add(LlamaTensorNames.EmbedTokens, OrtValue.CreateTensorValueFromMemory(Array.ConvertAll(embedding, value => (Float16)value), [.. table.Shape]));

        // Another head is the base's and a difference: A is the identity.
        if (!adapter.SavedModules.TryGetValue(LlamaTensorNames.LmHead, out var head)) return;
        var own = model.Tensors.ReadAsFloat32(model.Tensors.Find(LlamaTensorNames.LmHead)!);
        var difference = adapter.Tensors.ReadAsFloat32(head).Zip(own, (a, b) => a - b).ToArray();
        var identity = new float[Config.HiddenSize * Config.HiddenSize];
        for (var i = 0; i < Config.HiddenSize; i++) identity[i * (Config.HiddenSize + 1)] = 1;
        Add("lm_head.lora_A", (identity, [Config.HiddenSize, Config.HiddenSize]));
        Add("lm_head.lora_B", Transposed(difference, head.Shape));

        void Add(string name, (float[] Values, long[] Shape) matrix) => _fed.Add(name, OrtValue.CreateTensorValueFromMemory(matrix.Values, matrix.Shape));
    }

    private static (float[] Values, long[] Shape) Transposed(float[] values, IReadOnlyList<long> shape)
    {
        var (rows, columns) = ((int)shape[0], (int)shape[1]);
        return ([.. Enumerable.Range(0, values.Length).Select(i => values[(i % rows * columns) + (i / rows)])], [columns, rows]);
    }
}
