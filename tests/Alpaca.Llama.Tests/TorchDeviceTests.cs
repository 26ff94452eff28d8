using Alpaca.Abstractions;
using static TorchSharp.torch;

namespace Alpaca.Llama.Tests;

public sealed class TorchDeviceTests
{
    [Theory]
    [InlineData("cpu")]
    [InlineData("CPU")]
    public void Parse_Cpu_IsTheCpu(string name) => TorchDevice.Parse(name).type.Should().Be(TorchSharp.DeviceType.CPU);

    [Theory]
    [InlineData("")]
    [InlineData("gpu")]
    [InlineData("cuda:")]
    [InlineData("cuda:-1")]
    [InlineData("cuda:one")]
    public void Parse_UnknownName_ListsTheKnownOnes(string name)
    {
        var act = () => TorchDevice.Parse(name);
        act.Should().Throw<AlpacaUsageException>().WithMessage("*cpu, cuda or cuda:N*");
    }

    [Fact]
    public void Parse_CudaThatIsNotThere_SaysWhatToDo()
    {
        // Index 99 is absent on machines with CUDA too.
        var act = () => TorchDevice.Parse("cuda:99");
        act.Should().Throw<AlpacaException>().WithMessage("Device cuda:99 is not available*");
        act.Should().NotThrow<AlpacaUsageException>();
    }

    [Theory]
    [InlineData(Precision.Fp32, ScalarType.Float32)]
    [InlineData(Precision.Bf16, ScalarType.BFloat16)]
    [InlineData(Precision.Fp16, ScalarType.Float16)]
    public void ScalarTypeOf_FloatingPrecision_IsItsType(Precision precision, ScalarType type) => TorchDevice.ScalarTypeOf(precision).Should().Be(type);

    [Fact]
    public void ScalarTypeOf_Int4_PointsToOnnx()
    {
        var act = () => TorchDevice.ScalarTypeOf(Precision.Int4);
        act.Should().Throw<AlpacaUsageException>().WithMessage("*int4*Onnx*");
    }
}
