using System.Runtime.InteropServices;
using System.Text.Json.Nodes;
using Alpaca.Abstractions;
using Alpaca.Convert;
using Alpaca.Formats;

namespace Alpaca.Merging.Tests;

public sealed class AdapterMergerTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task ExecuteAsync_TwoAdapters_EqualsPyTorchRoundedOncePerAdapter()
    {
        var context = StageContexts.In(_folder);

        var artifact = await new AdapterMerger().ExecuteAsync(Fixture.Request(Fixture.Pretrain, Fixture.Sft), context);

        using var merged = HuggingFaceModel.Open(context.OutputFolder);
        using var expected = TensorSource.Open(Fixture.Merged);
        merged.Tensors.Tensors.Select(t => t.Name).Should().BeEquivalentTo(expected.Tensors.Select(t => t.Name));
        var off = 0;
        foreach (var tensor in expected.Tensors)
        {
            var actual = MemoryMarshal.Cast<byte, short>(merged.Tensors.ReadBytes(merged.Tensors.Find(tensor.Name)!)).ToArray();
            var wanted = MemoryMarshal.Cast<byte, short>(expected.ReadBytes(tensor)).ToArray();
            actual.Should().HaveSameCount(wanted);
            for (var i = 0; i < wanted.Length; i++)
            {
                // The order of a float32 sum over the rank is the library's; it moves a value by one unit in the last place where the sum falls on a tie.
                Math.Abs(actual[i] - wanted[i]).Should().BeLessThanOrEqualTo(1, "element {0} of {1}", i, tensor.Name);
                off += actual[i] == wanted[i] ? 0 : 1;
            }
        }

        off.Should().BeLessThan(5);
        artifact.VocabularySize.Should().Be(Fixture.SftVocabulary);
        artifact.Metrics["tensorsChanged"].Should().Be(9, "seven projections, the embedding and the output layer change");
        artifact.Parameters.Should().Be(expected.Tensors.Sum(t => t.ElementCount));
    }

    [Fact]
    public async Task ExecuteAsync_OneAdapterAfterTheOther_GivesTheBitsOfBothAtOnce()
    {
        var both = StageContexts.In(_folder, "both");
        var first = StageContexts.In(_folder, "first");
        var second = StageContexts.In(_folder, "second");

        await new AdapterMerger().ExecuteAsync(Fixture.Request(Fixture.Pretrain, Fixture.Sft), both);
        await new AdapterMerger().ExecuteAsync(Fixture.Request(Fixture.Pretrain), first);
        await new AdapterMerger().ExecuteAsync(new MergeRequest { BaseModel = first.OutputFolder, LoraModel = [Fixture.Sft] }, second);

        Fixture.Digests(second.OutputFolder).Should().Equal(Fixture.Digests(both.OutputFolder));
    }

    [Fact]
    public async Task ExecuteAsync_HuggingFace_WritesTheLastAdaptersTokenizerAndAGrownVocabulary()
    {
        var context = StageContexts.In(_folder);

        await new AdapterMerger().ExecuteAsync(Fixture.Request(Fixture.Pretrain, Fixture.Sft), context);

        File.ReadAllBytes(Path.Combine(context.OutputFolder, "tokenizer.model")).Should().Equal(File.ReadAllBytes(Path.Combine(Fixture.Sft, "tokenizer.model")));
        JsonNode.Parse(File.ReadAllText(Path.Combine(context.OutputFolder, "config.json")))!["vocab_size"]!.GetValue<int>().Should().Be(Fixture.SftVocabulary);
    }

    [Fact]
    public async Task ExecuteAsync_TokenizerPaths_AreTakenByPosition()
    {
        var adapter = _folder.Copy(Fixture.Sft);
        File.Delete(Path.Combine(adapter, "tokenizer.model"));
        var tokenizer = _folder.CreateFolder("tokenizer");
        File.Copy(Path.Combine(Fixture.Sft, "tokenizer.model"), Path.Combine(tokenizer, "tokenizer.model"));
        var context = StageContexts.In(_folder);

        await new AdapterMerger().ExecuteAsync(Fixture.Request(Fixture.Pretrain, adapter) with { TokenizerPath = [Fixture.Pretrain, tokenizer] }, context);

        File.ReadAllBytes(Path.Combine(context.OutputFolder, "tokenizer.model")).Should().Equal(File.ReadAllBytes(Path.Combine(Fixture.Sft, "tokenizer.model")));
    }

    [Fact]
    public async Task ExecuteAsync_Pth_ConvertsBackToTheSameTensors()
    {
        var huggingFace = StageContexts.In(_folder, "hf");
        var pth = StageContexts.In(_folder, "pth");
        var back = StageContexts.In(_folder, "back");
        var request = Fixture.Request(Fixture.Pretrain, Fixture.Sft);

        await new AdapterMerger().ExecuteAsync(request, huggingFace);
        var artifact = await new AdapterMerger().ExecuteAsync(request with { OutputType = ModelFormat.Pth }, pth);
        await new CheckpointConverter().ExecuteAsync(new ConvertRequest { InputDir = pth.OutputFolder }, back);

        artifact.Format.Should().Be(ModelFormat.Pth);
        Fixture.Digests(back.OutputFolder).Should().Equal(Fixture.Digests(huggingFace.OutputFolder));
        Directory.GetFiles(pth.OutputFolder).Select(Path.GetFileName).Should().BeEquivalentTo("consolidated.00.pth", "params.json", "checklist.chk", "tokenizer.model", "merge_report.json");
    }

    [Theory]
    [InlineData("{0}.lora_{1}.default.weight", "{0}.modules_to_save.default.weight")]
    [InlineData("{0}.lora_{1}.sft.weight", "{0}.weight")]
    public async Task ExecuteAsync_NamesOfOtherPeftVersions_GiveTheSameModel(string loraForm, string savedForm)
    {
        var adapter = _folder.Copy(Fixture.Pretrain);
        Fixture.EditWeights(adapter, (tensor, data) =>
        {
            var at = tensor.Name.IndexOf(".lora_", StringComparison.Ordinal);
            var name = at >= 0
                ? string.Format(null, loraForm, tensor.Name[..at], tensor.Name[at + 6])
                : string.Format(null, savedForm, tensor.Name[..^".weight".Length]);
            return (tensor with { Name = name }, data);
        });
        var expected = StageContexts.In(_folder, "expected");
        var actual = StageContexts.In(_folder, "actual");

        await new AdapterMerger().ExecuteAsync(Fixture.Request(Fixture.Pretrain), expected);
        await new AdapterMerger().ExecuteAsync(Fixture.Request(adapter), actual);

        Fixture.Digests(actual.OutputFolder).Should().Equal(Fixture.Digests(expected.OutputFolder));
    }

    [Fact]
    public async Task ExecuteAsync_RankStabilised_ScalesByTheRootOfTheRank()
    {
        // alpha 32, r 8: plain LoRA scales by 4; rsLoRA with alpha 8·sqrt(2) scales by 8·sqrt(2)/sqrt(8) = 4.
        var adapter = _folder.Copy(Fixture.Pretrain);
        Fixture.EditJson(Path.Combine(adapter, "adapter_config.json"), json =>
        {
            json["use_rslora"] = true;
            json["lora_alpha"] = 8 * Math.Sqrt(2);
        });
        var expected = StageContexts.In(_folder, "expected");
        var actual = StageContexts.In(_folder, "actual");

        await new AdapterMerger().ExecuteAsync(Fixture.Request(Fixture.Pretrain), expected);
        await new AdapterMerger().ExecuteAsync(Fixture.Request(adapter), actual);

        Fixture.Digests(actual.OutputFolder).Should().Equal(Fixture.Digests(expected.OutputFolder));
    }

    [Theory]
    [InlineData(DType.BFloat16)]
    [InlineData(DType.Float32)]
    public async Task ExecuteAsync_OtherBaseType_IsKept(DType dtype)
    {
        var model = _folder.Copy(Fixture.Base);
        using (var source = TensorSource.Open(Path.Combine(model, "pytorch_model.bin")))
        {
            Fixture.WriteSafetensors(Path.Combine(model, "model.safetensors"), [.. source.Tensors.Select(t =>
            {
                var data = new byte[t.ElementCount * dtype.Size()];
                TensorConversion.FromFloat32(dtype, source.ReadAsFloat32(t), data);
                return (t with { DType = dtype }, data);
            })]);
        }

        File.Delete(Path.Combine(model, "pytorch_model.bin"));
        Fixture.EditJson(Path.Combine(model, "config.json"), json => json["torch_dtype"] = dtype.TorchName());
        var context = StageContexts.In(_folder);

        await new AdapterMerger().ExecuteAsync(new MergeRequest { BaseModel = model, LoraModel = [Fixture.Pretrain] }, context);

        using var merged = HuggingFaceModel.Open(context.OutputFolder);
        using var adapter = PeftAdapter.Open(Fixture.Pretrain);
        using var before = HuggingFaceModel.Open(model);
        merged.Config.TorchDType.Should().Be(dtype);
        merged.Tensors.Tensors.Should().OnlyContain(t => t.DType == dtype);
        foreach (var (module, pair) in adapter.Pairs)
        {
            var name = module + ".weight";
            var expected = Reference.Merge(before.Tensors.ReadAsFloat32(before.Tensors.Find(name)!), adapter, pair);
            var actual = merged.Tensors.ReadAsFloat32(merged.Tensors.Find(name)!);
            for (var i = 0; i < expected.Length; i++)
            {
                var tolerance = dtype == DType.BFloat16 ? Math.Abs(expected[i]) / 256 : (Math.Abs(expected[i]) * 1e-6) + 1e-7;
                Math.Abs(actual[i] - expected[i]).Should().BeLessThanOrEqualTo(tolerance, "element {0} of {1}", i, name);
            }
        }
    }

    [Theory]
    [InlineData(DType.Float16)]
    [InlineData(DType.BFloat16)]
    [InlineData(DType.Float32)]
    public async Task ExecuteAsync_AdapterOfAnyType_IsComputedFromItsValues(DType dtype)
    {
        var stored = _folder.Copy(Fixture.Pretrain);
        Fixture.EditWeights(stored, (tensor, data) => (tensor with { DType = dtype }, Convert(tensor, data, dtype)));
        var widened = _folder.Copy(stored, "widened");
        using (var source = TensorSource.Open(Path.Combine(stored, PeftAdapter.WeightsName)))
        {
            File.Delete(Path.Combine(widened, PeftAdapter.WeightsName));
            Fixture.WriteSafetensors(
                Path.Combine(widened, PeftAdapter.WeightsName), [.. source.Tensors.Select(t => (t with { DType = DType.Float32 }, Convert(t, source.ReadBytes(t), DType.Float32)))]);
        }

        var actual = StageContexts.In(_folder, "actual");
        var expected = StageContexts.In(_folder, "expected");

        await new AdapterMerger().ExecuteAsync(Fixture.Request(stored), actual);
        await new AdapterMerger().ExecuteAsync(Fixture.Request(widened), expected);

        Fixture.Digests(actual.OutputFolder).Should().Equal(Fixture.Digests(expected.OutputFolder));
        using var merged = HuggingFaceModel.Open(actual.OutputFolder);
        merged.Tensors.Tensors.Should().OnlyContain(t => t.DType == DType.Float16, "the result has the base's type");

        static byte[] Convert(TensorInfo tensor, byte[] data, DType to)
        {
            var values = new float[tensor.ElementCount];
            TensorConversion.ToFloat32(tensor.DType, data, values);
            var converted = new byte[values.Length * to.Size()];
            TensorConversion.FromFloat32(to, values, converted);
            return converted;
        }
    }

    [Fact]
    public async Task ExecuteAsync_TiedEmbeddingsAsPth_WritesTheEmbeddingAsTheOutputLayer()
    {
        var model = _folder.Copy(Fixture.Base);
        Fixture.EditJson(Path.Combine(model, "config.json"), json => json["tie_word_embeddings"] = true);
        var adapter = _folder.Copy(Fixture.Pretrain);
        Fixture.EditWeights(adapter, (tensor, data) => tensor.Name.EndsWith("lm_head.weight", StringComparison.Ordinal) ? null : (tensor, data));
        Fixture.EditJson(Path.Combine(adapter, "adapter_config.json"), json => json["modules_to_save"] = null);
        var context = StageContexts.In(_folder);

        await new AdapterMerger().ExecuteAsync(new MergeRequest { BaseModel = model, LoraModel = [adapter], OutputType = ModelFormat.Pth }, context);

        using var shard = TensorSource.Open(Path.Combine(context.OutputFolder, "consolidated.00.pth"));
        shard.Sha256(shard.Find("output.weight")!).Should().Be(shard.Sha256(shard.Find("tok_embeddings.weight")!));
    }

    [Fact]
    public async Task ExecuteAsync_SavedFrequenciesInTheBase_AreLeftOut()
    {
        var model = _folder.Copy(Fixture.Base);
        using (var source = TensorSource.Open(Path.Combine(model, "pytorch_model.bin")))
        {
            Fixture.WriteSafetensors(
                Path.Combine(model, "model.safetensors"),
                [.. source.Tensors.Select(t => (t, source.ReadBytes(t))), (new TensorInfo("model.layers.0.self_attn.rotary_emb.inv_freq", DType.Float32, [4]), new byte[16])]);
        }

        var context = StageContexts.In(_folder);

        await new AdapterMerger().ExecuteAsync(new MergeRequest { BaseModel = model, LoraModel = [Fixture.Pretrain] }, context);

        using var merged = HuggingFaceModel.Open(context.OutputFolder);
        merged.Tensors.Tensors.Should().NotContain(t => LlamaTensorNames.IsRotaryFrequencies(t.Name));
    }

    [Fact]
    public async Task ExecuteAsync_UntrainedAdapter_IsAnError()
    {
        var adapter = _folder.Copy(Fixture.Pretrain);
        Fixture.EditWeights(adapter, (tensor, data) => tensor.Name.Contains("lora_A", StringComparison.Ordinal)
            ? (tensor, data)
            : tensor.Name.Contains("lora_B", StringComparison.Ordinal) ? (tensor, new byte[data.Length]) : null);
        Fixture.EditJson(Path.Combine(adapter, "adapter_config.json"), json => json["modules_to_save"] = null);
        File.Delete(Path.Combine(adapter, "tokenizer.model"));

        var act = () => new AdapterMerger().ExecuteAsync(Fixture.Request(adapter), StageContexts.In(_folder));

        (await act.Should().ThrowAsync<AlpacaException>()).WithMessage($"*{adapter}*changes nothing*");
    }

    [Fact]
    public async Task ExecuteAsync_Cancelled_StopsAndLeavesNoModel()
    {
        using var cancellation = new CancellationTokenSource();
        await cancellation.CancelAsync();
        var context = StageContexts.In(_folder);

        var act = () => new AdapterMerger().ExecuteAsync(Fixture.Request(Fixture.Pretrain), context, cancellation.Token);

        await act.Should().ThrowAsync<OperationCanceledException>();
        Directory.GetFiles(context.OutputFolder).Should().BeEmpty();
    }
}
