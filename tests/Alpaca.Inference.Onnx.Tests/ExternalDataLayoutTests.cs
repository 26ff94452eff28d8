namespace Alpaca.Inference.Onnx.Tests;

public sealed class ExternalDataLayoutTests
{
    [Fact]
    public void Layout_WeightsBeyondTwoGigabytes_KeepExactOffsets()
    {
        // A LLaMA 70B head and embedding in float32: 3 times [32000, 8192] is 3.1 GB, [28672, 8192] another 0.9 GB.
        var layout = new ExternalDataLayout("model.onnx.data", [Weight("a", 32000, 8192), Weight("b", 3, 5), Weight("c", 32000, 8192), Weight("d", 64000, 32000)]);

        layout.Tensors.Select(t => t.Location!.Offset).Should().Equal(0, 1_048_576_000, 1_048_580_096, 2_097_156_096);
        layout.Tensors[3].Location!.Length.Should().Be(8_192_000_000);
        layout.Length.Should().Be(10_289_156_096);
    }

    [Fact]
    public void Layout_EveryWeight_StartsAtAPageAndBehindTheOneBefore()
    {
        var layout = new ExternalDataLayout("data", [.. Enumerable.Range(1, 100).Select(i => Weight($"w{i}", i * 37, i))]);

        layout.Tensors.Should().OnlyContain(t => t.Location!.Offset % 4096 == 0);
        foreach (var (before, after) in layout.Tensors.Zip(layout.Tensors.Skip(1)))
            after.Location!.Offset.Should().BeInRange(before.Location!.Offset + before.Location.Length, before.Location.Offset + before.Location.Length + 4095);
    }

    [Fact]
    public void Layout_SizeBeyond64Bits_IsAnError()
    {
        var layout = () => new ExternalDataLayout("data", [Weight("a", long.MaxValue / 4, 2)]);

        layout.Should().Throw<OverflowException>();
    }

    private static GraphWeight.Copy Weight(string name, params long[] shape) => new GraphWeight.Copy(name, OnnxType.Float, shape, name);
}
