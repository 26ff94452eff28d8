using Alpaca.Abstractions;

namespace Alpaca.Formats.Tests.Tensors;

public sealed class TensorSourceTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("", "*is empty*")]
    [InlineData("version https://git-lfs.github.com/spec/v1\noid sha256:0", "*Git LFS pointer*")]
    [InlineData("<html><body>404</body></html>", "*neither a safetensors file nor a PyTorch checkpoint*")]
    [InlineData("short", "*neither a safetensors file nor a PyTorch checkpoint*")]
    public void Open_SomethingElse_SaysWhatItIs(string content, string message)
    {
        var path = _folder.Write("weights.bin", content);

        var act = () => TensorSource.Open(path);

        act.Should().Throw<AlpacaException>().WithMessage(message).WithMessage("*weights.bin*");
    }

    [Fact]
    public void Open_Missing_SaysSo()
    {
        var act = () => TensorSource.Open(_folder.Combine("absent.pth"));

        act.Should().Throw<AlpacaException>().WithMessage("*absent.pth does not exist*");
    }

    [Fact]
    public void Open_FolderWithoutWeights_ListsWhatWasLookedFor()
    {
        var act = () => TensorSource.Open(_folder.Path);

        act.Should().Throw<AlpacaException>().WithMessage("*holds no weights*model.safetensors*");
    }

    [Fact]
    public void ReadAsFloat32_PartsOfAnyType_AreTheConvertedElements()
    {
        using var source = TensorSource.Open(Fixture.Path("values.pth"));
        foreach (var tensor in source.Tensors)
        {
            var all = source.ReadAsFloat32(tensor);
            var converted = new float[tensor.ElementCount];
            TensorConversion.ToFloat32(tensor.DType, source.ReadBytes(tensor), converted);
            all.Should().Equal(converted);
            if (all.Length > 2)
            {
                var part = new float[2];
                source.ReadAsFloat32(tensor, 1, part);
                part.Should().Equal(all[1], all[2]);
            }
        }
    }
}
