using System.Text.Json;
using Alpaca.Abstractions;
using Alpaca.Formats;

namespace Alpaca.Merging.Tests.Verification;

public sealed class MergeVerificationTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData(ModelFormat.HuggingFace)]
    [InlineData(ModelFormat.Pth)]
    public async Task ExecuteAsync_SoundMerge_StatesDifferenceAndToleranceInReportAndMetrics(ModelFormat format)
    {
        var context = StageContexts.In(_folder);

        var artifact = await new AdapterMerger().ExecuteAsync(Fixture.Request(Fixture.Pretrain, Fixture.Sft) with { OutputType = format }, context);

        artifact.Metrics["verifiedTolerance"].Should().Be(0.02);
        artifact.Metrics["verifiedLogitDifference"].Should().BeGreaterThan(0, "float16 rounds").And.BeLessThan(0.02 * artifact.Metrics["verifiedLargestLogit"]);
        var report = Report(context);
        report.GetProperty("verification").GetProperty("largestDifference").GetDouble().Should().Be(artifact.Metrics["verifiedLogitDifference"]);
        report.GetProperty("verification").GetProperty("passed").GetBoolean().Should().BeTrue();
        report.GetProperty("tensorsChanged").GetInt32().Should().Be(9);
        report.GetProperty("adapters").EnumerateArray().Select(a => a.GetProperty("name").GetString()).Should().Equal("adapter-pretrain", "adapter-sft");
    }

    [Fact]
    public async Task ExecuteAsync_VerifyOff_SaysNothingAboutIt()
    {
        var context = StageContexts.In(_folder);

        var artifact = await new AdapterMerger().ExecuteAsync(Fixture.Request(Fixture.Pretrain) with { Verify = false }, context);

        artifact.Metrics.Keys.Should().NotContain(k => k.StartsWith("verified", StringComparison.Ordinal));
        Report(context).GetProperty("verification").ValueKind.Should().Be(JsonValueKind.Null);
    }

    [Theory]
    [InlineData("model.layers.0.self_attn.q_proj.weight")]
    [InlineData("model.layers.0.mlp.down_proj.weight")]
    [InlineData("model.embed_tokens.weight")]
    [InlineData("lm_head.weight")]
    public void Conclude_OneTensorLostItsUpdate_IsRefusedWithTheFigures(string lost)
    {
        using var plan = MergePlan.Create(Fixture.Request(Fixture.Pretrain, Fixture.Sft));
        using var writer = new ForgetfulWriter(plan, lost);

        var act = () => Verify(plan, writer);

        act.Should().Throw<AlpacaException>().WithMessage("The merged model does not compute what base and adapters do*logits differ by up to*0.02 of the largest logit*");
    }

    [Fact]
    public void Conclude_NothingLost_Passes()
    {
        using var plan = MergePlan.Create(Fixture.Request(Fixture.Pretrain, Fixture.Sft));
        using var writer = new ForgetfulWriter(plan, "");

        Verify(plan, writer).Passed.Should().BeTrue();
    }

    [Fact]
    public async Task ExecuteAsync_BaseHoldsNaN_SaysThatItCannotBeVerified()
    {
        var model = _folder.Copy(Fixture.Base);
        List<(TensorInfo, byte[])> tensors = [];
        using (var source = TensorSource.Open(Path.Combine(model, "pytorch_model.bin")))
        {
            foreach (var tensor in source.Tensors)
            {
                var data = source.ReadBytes(tensor);
                if (tensor.Name == LlamaTensorNames.Norm) Array.Fill(data, (byte)0xff);
                tensors.Add((tensor, data));
            }
        }

        File.Delete(Path.Combine(model, "pytorch_model.bin"));
        Fixture.WriteSafetensors(Path.Combine(model, "model.safetensors"), tensors);
        var context = StageContexts.In(_folder);

        var act = () => new AdapterMerger().ExecuteAsync(Fixture.Request(Fixture.Pretrain) with { BaseModel = model }, context);

        await act.Should().ThrowAsync<AlpacaException>().WithMessage("*no finite numbers*--verify false*");
        Directory.GetFiles(context.OutputFolder, "*.safetensors").Should().BeEmpty("nothing is published unverified");
    }

    [Theory]
    [InlineData("", true)]
    [InlineData("model.layers.0.mlp.up_proj.weight", false)]
    [InlineData("model.embed_tokens.weight", false)]
    public void Conclude_TiedEmbeddings_PassesUnlessSomethingWasLost(string lost, bool passes)
    {
        var model = _folder.Copy(Fixture.Base);
        List<(TensorInfo, byte[])> tensors = [];
        using (var source = TensorSource.Open(Path.Combine(model, "pytorch_model.bin")))
        {
            tensors.AddRange(source.Tensors.Where(t => t.Name != LlamaTensorNames.LmHead).Select(t => (t, source.ReadBytes(t))));
        }

        File.Delete(Path.Combine(model, "pytorch_model.bin"));
        Fixture.WriteSafetensors(Path.Combine(model, "model.safetensors"), tensors);
        Fixture.EditJson(Path.Combine(model, "config.json"), json => json["tie_word_embeddings"] = true);
        var adapter = _folder.Copy(Fixture.Pretrain);
        Fixture.EditWeights(adapter, (tensor, data) => tensor.Name.Contains("lora_", StringComparison.Ordinal) ? (tensor, data) : null);
        Fixture.EditJson(Path.Combine(adapter, "adapter_config.json"), json => json["modules_to_save"] = null);
        foreach (var file in Directory.GetFiles(adapter, "tokenizer*")) File.Delete(file);
        using var plan = MergePlan.Create(Fixture.Request(adapter) with { BaseModel = model });
        using var writer = new ForgetfulWriter(plan, lost);

        var act = () => Verify(plan, writer);

        if (passes) act().LargestDifference.Should().BeGreaterThan(0, "float16 rounds");
        else act.Should().Throw<AlpacaException>().WithMessage("*does not compute what base and adapters do*");
    }

    private static VerificationResult Verify(MergePlan plan, ITensorWriter writer)
    {
        var verification = new MergeVerification(plan, writer);
        new MergePass(plan, writer, _ => 1, NullProgress.Instance, CancellationToken.None).WriteAndVerify(verification);
        return verification.Conclude();
    }

    private static JsonElement Report(StageContext context) => JsonDocument.Parse(File.ReadAllBytes(Path.Combine(context.OutputFolder, "merge_report.json"))).RootElement;

    /// <summary>Keeps what is written, but zeros in place of one tensor.</summary>
    private sealed class ForgetfulWriter(MergePlan plan, string lost) : ITensorWriter
    {
        private readonly Dictionary<string, byte[]> _data = plan.Tensors.ToDictionary(t => t.Info.Name, t => new byte[t.Info.ByteLength]);

        public IReadOnlyList<TensorInfo> Tensors { get; } = [.. plan.Tensors.Select(t => t.Info)];

        public void Read(string name, long byteOffset, Span<byte> destination) => _data[name].AsSpan((int)byteOffset, destination.Length).CopyTo(destination);

        public void Write(string name, long byteOffset, ReadOnlySpan<byte> data)
        {
            if (name != lost) data.CopyTo(_data[name].AsSpan((int)byteOffset));
        }

        public void Complete() => throw new NotSupportedException();

        public void Dispose() { }
    }
}
