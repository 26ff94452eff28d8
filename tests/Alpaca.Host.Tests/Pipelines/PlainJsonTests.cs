using Alpaca.Abstractions;

namespace Alpaca.Host.Tests.Pipelines;

public sealed class PlainJsonTests
{
    [Fact]
    public void FromObject_Artifact_HoldsItsDataInCamelCase()
        => PlainJson.FromObject(new OnnxArtifact { Precision = Precision.Fp16, Metrics = new Dictionary<string, double> { ["size"] = 0.5 } }).ToJsonString()
            .Should().Be("""{"precision":"fp16","metrics":{"size":0.5}}""");

    [Fact]
    public void FromObject_ListsAndNumbers_AreKept()
        => PlainJson.FromObject(new { Sizes = (string[])["7B"], Count = 3L, Rate = 1e-4, Bad = double.NaN, None = (string?)null, When = TimeSpan.FromSeconds(1) }).ToJsonString()
            .Should().Be("""{"sizes":["7B"],"count":3,"rate":0.0001,"bad":"NaN","none":null,"when":"00:00:01"}""");
}

public sealed class DiskSpaceTests
{
    private const long GiB = 1L << 30;

    [Theory]
    [InlineData("model", 2, true)]
    [InlineData("model", 1, false)]
    [InlineData("weights", 1, false)]
    [InlineData("onnx", 1, false)]
    [InlineData("adapter", 1, true)]
    [InlineData("evaluation", 1, true)]
    public void Require_StageThatReadsAModel_NeedsItsSizeOnlyWhereItWritesOne(string kind, long freeGiB, bool enough)
    {
        var check = new DiskSpace(_ => freeGiB * GiB).Invoking(d => d.Require("convert", kind, GiB + (GiB / 2), "/work"));

        if (enough) check.Should().NotThrow();
        else check.Should().Throw<AlpacaException>().WithMessage("Stage convert needs about 1.6 GiB of free space in /work and there is 1.0 GiB;*--workspace.");
    }

    [Fact]
    public void Require_RealDisk_IsAsked() => new DiskSpace().Invoking(d => d.Require("convert", "model", long.MaxValue / 2, Path.GetTempPath())).Should().Throw<AlpacaException>();
}
