using static TorchSharp.torch;

namespace Alpaca.Llama.Tests;

public sealed class LibTorchTests
{
    [Fact]
    public void Register_OnThisSystem_LetsTorchSharpCompute()
    {
        using var x = ones(2, 3);
        x.sum().item<float>().Should().Be(6);
    }
}
