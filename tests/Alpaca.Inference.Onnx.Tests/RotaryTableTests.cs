using Alpaca.Formats;

namespace Alpaca.Inference.Onnx.Tests;

public sealed class RotaryTableTests
{
    [Fact]
    public void Cos_Row_HoldsCosineOfPositionTimesFrequencyAsSinDoesTheSine()
    {
        var table = new RotaryTable(LlamaConfig.Load(LlamaFixture.Load("plain").Folder));
        float[] cos = new float[8], sin = new float[8];

        table.Cos(300, cos);
        table.Sin(300, sin);

        table.Positions.Should().Be(512);
        cos[2].Should().BeApproximately(MathF.Cos(30), 1e-5f);
        sin[2].Should().BeApproximately(MathF.Sin(30), 1e-5f);
    }
}
