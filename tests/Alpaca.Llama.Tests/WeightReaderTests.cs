using System.Buffers.Binary;
using Alpaca.Abstractions;
using Alpaca.Formats;
using static TorchSharp.torch;

namespace Alpaca.Llama.Tests;

public sealed class WeightReaderTests
{
    [Theory]
    [InlineData(1)]
    [InlineData(24)]
    [InlineData(25)]
    [InlineData(1 << 20)]
    public void Read_InPiecesOfAnySize_GivesTheWholeTensor(long pieceBytes)
    {
        using var scope = NewDisposeScope();
        using var source = new MemoryTensors();
        float[] values = [.. Enumerable.Range(0, 21).Select(i => i * 0.5f)];
        source.Set("w", [7, 3], values); // rows of 12 bytes

        var tensor = new WeightReader(source, null, pieceBytes).Read("w", ScalarType.Float32, CPU);

        tensor.shape.Should().Equal(7, 3);
        tensor.data<float>().ToArray().Should().Equal(values);
        tensor.requires_grad.Should().BeFalse();
    }

    [Fact]
    public void Read_StoredFloat16_ConvertsExactly()
    {
        using var scope = NewDisposeScope();
        using var files = HuggingFaceModel.Open(TinyGqa.Folder);
        var info = files.Tensors.Find(LlamaTensorNames.EmbedTokens)!;
        var raw = files.Tensors.ReadBytes(info);

        var tensor = new WeightReader(files.Tensors, null, 1000).Read(info.Name, ScalarType.Float32, CPU);

        info.DType.Should().Be(DType.Float16);
        tensor.data<float>().ToArray().Should().Equal(
            Enumerable.Range(0, (int)info.ElementCount).Select(i => (float)BinaryPrimitives.ReadHalfLittleEndian(raw.AsSpan(2 * i))));
    }

    [Fact]
    public void Read_MoreRowsThanStored_LeavesThoseBelowToTheCaller()
    {
        using var scope = NewDisposeScope();
        using var source = new MemoryTensors();
        source.Set("w", [2, 2], [1, 2, 3, 4]);

        var tensor = new WeightReader(source, null).Read("w", ScalarType.Float32, CPU, rows: 5);

        tensor.shape.Should().Equal(5, 2);
        tensor.narrow(0, 0, 2).data<float>().ToArray().Should().Equal(1, 2, 3, 4);
    }

    [Fact]
    public void Read_NoSuchTensor_NamesIt()
    {
        using var source = new MemoryTensors();
        var act = () => new WeightReader(source, null).Read("model.norm.weight", ScalarType.Float32, CPU);
        act.Should().Throw<AlpacaException>().WithMessage("*model.norm.weight*");
    }
}
