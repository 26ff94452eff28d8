using System.Text.Json.Nodes;
using Alpaca.Abstractions;
using Alpaca.Formats;

namespace Alpaca.Inference.Onnx.Tests;

public sealed class ExportVerificationTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData(Precision.Fp32, 1e-3)]
    [InlineData(Precision.Fp16, 2e-2)]
    [InlineData(Precision.Int8, 0.15)]
    [InlineData(Precision.Int4, 0.15)]
    public async Task Export_SmallModel_RecordsHowExactTheGraphIs(Precision precision, double tolerance)
    {
        using var graph = await ExportedGraph.OfAsync(new ExportRequest { Model = LlamaFixture.Load("plain").Folder, Precision = precision });

        var report = JsonNode.Parse(File.ReadAllText(Path.Combine(graph.Folder, OnnxFiles.Report)))!;
        report["precision"]!.GetValue<string>().Should().Be(precision.ToString().ToLowerInvariant());
        report["kvCache"]!.GetValue<string>().Should().Be("shared");
        report["quantized"]!.AsObject().Should().HaveCount(precision is Precision.Int4 or Precision.Int8 ? 15 : 0);
        var verification = report["verification"]!;
        verification["tolerance"]!.GetValue<double>().Should().Be(tolerance);
        verification["largestDifference"]!.GetValue<double>().Should().BeInRange(1e-9, tolerance * verification["largestLogit"]!.GetValue<double>());
        verification["probeIds"]!.AsArray().Should().HaveCount(12);
        graph.Artifact.Metrics["verifiedLogitDifference"].Should().Be(verification["largestDifference"]!.GetValue<double>());
    }

    [Fact]
    public async Task Export_VerifyFalse_RecordsNothing()
    {
        using var graph = await ExportedGraph.OfAsync(new ExportRequest { Model = LlamaFixture.Load("plain").Folder, Verify = false });

        JsonNode.Parse(File.ReadAllText(Path.Combine(graph.Folder, OnnxFiles.Report)))!["verification"].Should().BeNull();
        graph.Artifact.Metrics.Should().NotContainKey("verifiedLogitDifference");
    }

    [Fact]
    public void Run_WeightThatChangedOnItsWay_Fails()
    {
        using var model = HuggingFaceModel.Open(LlamaFixture.Load("plain").Folder);
        var (verification, layout) = Write(model);
        var up = layout.Tensors.Single(t => t.Name == "model.layers.0.mlp.up_proj.MatMul.weight").Location!;
        using (var file = File.OpenHandle(_folder.Combine(OnnxFiles.Data), access: FileAccess.Write)) RandomAccess.Write(file, new byte[up.Length / 4], up.Offset);

        var run = () => verification.Run(NullProgress.Instance, CancellationToken.None);

        run.Should().Throw<AlpacaException>().WithMessage("*logits differ by up to*nothing was published*");
    }

    [Fact]
    public void Run_GraphThatDoesNotLoad_SaysSoInOneSentence()
    {
        using var model = HuggingFaceModel.Open(LlamaFixture.Load("plain").Folder);
        var (verification, _) = Write(model);
        File.WriteAllText(_folder.Combine(OnnxFiles.Model), "no graph");

        var run = () => verification.Run(NullProgress.Instance, CancellationToken.None);

        run.Should().Throw<AlpacaException>().WithMessage("*cannot run the exported graph*");
    }

    private (ExportVerification Verification, ExternalDataLayout Layout) Write(HuggingFaceModel model)
    {
        var format = GraphFormat.Of(new ExportRequest(), model.Config);
        var graph = LlamaGraph.Build(model.Config, format);
        var layout = new ExternalDataLayout(OnnxFiles.Data, graph.Weights);
        new WeightFile(model.Tensors, NullProgress.Instance).Write(_folder.Combine(OnnxFiles.Data), layout, CancellationToken.None);
        var file = _folder.Combine(OnnxFiles.Model);
        File.WriteAllBytes(file, OnnxWriter.Write(graph.ToModel(layout)));
        return (new ExportVerification(model, graph, format, file), layout);
    }
}
