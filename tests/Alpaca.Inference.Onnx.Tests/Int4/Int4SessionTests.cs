using Alpaca.Abstractions;
using Microsoft.ML.OnnxRuntime;

namespace Alpaca.Inference.Onnx.Tests;

/// <summary>Sessions whose products are ours against ONNX Runtime's own.</summary>
public sealed class Int4SessionTests : IDisposable
{
    private static readonly RunOptions Options = new();

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Avx2Theory]
    [InlineData(1, 1, 96, 256, 32)]
    [InlineData(1, 2, 49, 96, 32)]
    [InlineData(3, 5, 200, 704, 32)]
    [InlineData(1, 128, 1000, 512, 32)]
    [InlineData(16, 1, 320, 640, 128)]
    [InlineData(1, 0, 96, 64, 32)]
    public void Run_Product_IsThatOfOnnxRuntime(int batch, int tokens, int n, int k, int blockSize)
    {
        using var model = new ProductModel(n, k, blockSize);
        using var theirs = new InferenceSession(model.File);
        using var ours = OnnxSession.Open(model.File, default, 2, default);
        ours.Should().BeOfType<Int4Session>();
        var x = ProductModel.Activations(batch * tokens * k);

        var expected = Run(theirs, x, batch, tokens, k);
        var actual = Run(ours, x, batch, tokens, k);

        actual.Should().HaveCount(batch * tokens * n);
        if (tokens > 0) LogitDifference.RelativeBetween(actual, expected).Should().BeLessThan(1e-5f);
    }

    [Avx2Theory]
    [InlineData("plain", 32)]
    [InlineData("plain", 128)]
    [InlineData("grouped", 32)]
    [InlineData("tied", 32)] // its head has 8 bits and stays with ONNX Runtime
    public async Task Open_ExportedModel_GivesTheLogitsOfOnnxRuntime(string name, int blockSize)
    {
        var fixture = LlamaFixture.Load(name);
        using var graph = await ExportedGraph.OfAsync(new ExportRequest { Model = fixture.Folder, Precision = Precision.Int4, BlockSize = blockSize });
        using var ours = OnnxSession.Open(Path.Combine(graph.Folder, OnnxFiles.Model), default, 2, default);
        using var run = new GraphRun(ours, graph.Config);

        var logits = run.Step(fixture.Prompt)[^graph.Config.VocabSize..];

        ours.Should().BeOfType<Int4Session>();
        LogitDifference.RelativeBetween(logits, graph.LastLogits(fixture.Prompt)).Should().BeLessThan(1e-3f);
    }

    [Avx2Theory]
    [InlineData(Precision.Fp32)]
    [InlineData(Precision.Int8)]
    public async Task Open_ModelWithoutSuchProducts_IsOnnxRuntimesAlone(Precision precision)
    {
        using var graph = await ExportedGraph.OfAsync(new ExportRequest { Model = LlamaFixture.Load("plain").Folder, Precision = precision });
        using var session = OnnxSession.Open(Path.Combine(graph.Folder, OnnxFiles.Model), default, 2, default);

        session.Should().BeOfType<InferenceSession>();
    }

    [Avx2Fact]
    public void Open_ModelWithAnOperatorNobodyKnows_ReleasesTheWeightsAndSaysSo()
    {
        using var model = new ProductModel(64, 64, 32);
        model.Write(nodes: [model.Node() with { Outputs = ["z"] }, new OnnxNode("unknown", "", "NoSuchOperator", ["z"], ["y"], [])]);

        for (var i = 0; i < 2; i++)
        {
            var open = () => OnnxSession.Open(model.File, default, 1, default);
            open.Should().Throw<AlpacaException>().WithMessage($"ONNX Runtime cannot load {model.File} (*NoSuchOperator*");
        }
    }

    [Avx2Fact]
    public void Open_Cancelled_Throws()
    {
        using var model = new ProductModel(64, 64, 32);
        var open = () => OnnxSession.Open(model.File, default, 1, new CancellationToken(canceled: true));

        open.Should().Throw<OperationCanceledException>();
    }

    [Avx2Fact]
    public void Run_ActivationsOfAnotherWidth_IsAnErrorOfTheRun()
    {
        using var model = new ProductModel(64, 64, 32);
        model.Write(nodes: [new OnnxNode("half", "", "Slice", ["x", "zero", "half", "two"], ["h"], []), model.Node() with { Inputs = ["h", "w", "w_scales"] }], initializers:
        [
            .. model.Initializers(), Integer("zero", 0), Integer("half", 32), Integer("two", 2),
        ]);
        using var session = OnnxSession.Open(model.File, default, 1, default);

        var run = () => Run(session, new float[64], 1, 1, 64);

        run.Should().Throw<OnnxRuntimeException>().WithMessage("*Int4MatMul: activations have 32 elements and not 64*");

        static OnnxTensor Integer(string name, long value) => new(name, OnnxType.Int64, [1]) { Data = BitConverter.GetBytes(value) };
    }

    [Avx2Fact]
    public async Task Run_SideBySideOnManyThreads_IsWhatItIsAlone()
    {
        using var model = new ProductModel(160, 320, 32);
        using var session = OnnxSession.Open(model.File, default, 2, default);
        var inputs = Enumerable.Range(0, 8).Select(i => ProductModel.Activations((i + 1) * 320, seed: i)).ToArray();
        var alone = inputs.Select((x, i) => Run(session, x, 1, i + 1, 320)).ToArray();

        var together = await Task.WhenAll(Enumerable.Range(0, 200).Select(i => Task.Run(() => Run(session, inputs[i % 8], 1, (i % 8) + 1, 320))));

        for (var i = 0; i < together.Length; i++) together[i].Should().Equal(alone[i % 8]);
    }

    [Avx2Fact]
    public void Run_OneRow_AllocatesNothingOfItsOwn()
    {
        using var model = new ProductModel(64, 64, 32);
        using var theirs = new InferenceSession(model.File);
        using var ours = OnnxSession.Open(model.File, default, 1, default);

        Allocated(ours).Should().BeLessThanOrEqualTo(Allocated(theirs));

        static long Allocated(InferenceSession session)
        {
            using var x = OrtValue.CreateTensorValueFromMemory(new float[64], [1, 1, 64]);
            using var y = OrtValue.CreateTensorValueFromMemory(new float[64], [1, 1, 64]);
            string[] inputs = ["x"], outputs = ["y"];
            OrtValue[] from = [x], to = [y];
            long before = 0;
            for (var i = 0; i < 200; i++)
            {
                if (i == 100) before = GC.GetAllocatedBytesForCurrentThread();
                session.Run(Options, inputs, from, outputs, to);
            }

            return GC.GetAllocatedBytesForCurrentThread() - before;
        }
    }

    private static float[] Run(InferenceSession session, float[] x, int batch, int tokens, int k)
    {
        using var input = OrtValue.CreateTensorValueFromMemory(x, [batch, tokens, k]);
        using var results = session.Run(Options, ["x"], [input], ["y"]);
        return results[0].GetTensorDataAsSpan<float>().ToArray();
    }
}
