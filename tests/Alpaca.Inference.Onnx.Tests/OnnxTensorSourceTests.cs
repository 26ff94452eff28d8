using System.Runtime.InteropServices;
using Alpaca.Abstractions;
using Alpaca.Formats;

namespace Alpaca.Inference.Onnx.Tests;

public sealed class OnnxTensorSourceTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Open_InlineAndExternalTensors_AreReadBack()
    {
        float[] inline = [1.5f, -2, 3, 4, 5, 6], external = [7, 8, 9];
        File.WriteAllBytes(_folder.Combine("w.data"), [.. new byte[4096], .. Bytes(external)]);
        var path = Write(
            new OnnxTensor("inline", OnnxType.Float, [2, 3]) { Data = Bytes(inline) },
            new OnnxTensor("outside", OnnxType.Float, [3]) { Location = new OnnxDataLocation("w.data", 4096, 12) },
            new OnnxTensor("scalar", OnnxType.Int64, []) { Data = Bytes<long>([-3]) });

        using var source = OnnxTensorSource.Open(path);

        source.Tensors.Should().BeEquivalentTo(
            [new TensorInfo("inline", DType.Float32, [2, 3]), new TensorInfo("outside", DType.Float32, [3]), new TensorInfo("scalar", DType.Int64, [])]);
        source.ReadAsFloat32(source.Find("inline")!).Should().Equal(inline);
        source.ReadAsFloat32(source.Find("outside")!).Should().Equal(external);
        source.ReadBytes(source.Find("scalar")!).Should().Equal(Bytes<long>([-3]));
        source.Find("nothing").Should().BeNull();
    }

    [Fact]
    public void Read_PartOfATensor_GivesThoseElements()
    {
        using var source = OnnxTensorSource.Open(Write(new OnnxTensor("w", OnnxType.Float, [4]) { Data = Bytes<float>([1, 2, 3, 4]) }));
        var part = new float[2];

        source.Read(source.Find("w")!, 4, MemoryMarshal.AsBytes(part.AsSpan()));

        part.Should().Equal(2, 3);
    }

    [Fact]
    public void Open_TensorsStoredAsLists_AreDecoded()
    {
        // The other encodings that ONNX allows: packed float_data (4), int64_data (7) packed and one by one, float16 bits in int32_data (5).
        var path = WriteGraph(
            Tensor("floats", 1, [2], t => t.Bytes(4, Bytes<float>([0.5f, -1]))),
            Tensor("packed", 7, [2], t => t.Bytes(7, [0xAC, 0x02, 0x01])),
            Tensor("single", 7, [2], t => { t.Integer(7, -1); t.Integer(7, 5); }),
            Tensor("halves", 10, [2], t => { t.Integer(5, 0x3C00); t.Integer(5, 0xC000); }));

        using var source = OnnxTensorSource.Open(path);

        source.ReadAsFloat32(source.Find("floats")!).Should().Equal(0.5f, -1);
        source.ReadAsFloat32(source.Find("packed")!).Should().Equal(300, 1);
        source.ReadAsFloat32(source.Find("single")!).Should().Equal(-1, 5);
        source.ReadAsFloat32(source.Find("halves")!).Should().Equal(1, -2);
    }

    [Fact]
    public void Open_DataFileMissing_NamesIt()
    {
        var path = Write(new OnnxTensor("w", OnnxType.Float, [3]) { Location = new OnnxDataLocation("gone.data", 0, 12) });

        ShouldFail(path, "*gone.data*missing*");
    }

    [Fact]
    public void Open_DataFileTooShort_NamesItAndTheTensor()
    {
        _folder.Write("w.data", "short");
        var path = Write(new OnnxTensor("w", OnnxType.Float, [3]) { Location = new OnnxDataLocation("w.data", 0, 12) });

        ShouldFail(path, "*w.data*too short for w*");
    }

    [Theory]
    [InlineData("../w.data")]
    [InlineData("/etc/hostname")]
    [InlineData("sub/../../w.data")]
    public void Open_DataFileOutsideTheFolder_IsRefused(string location)
        => ShouldFail(Write(new OnnxTensor("w", OnnxType.Float, [1]) { Location = new OnnxDataLocation(location, 0, 4) }), "*outside its own folder*");

    [Fact]
    public void Open_LengthThatDoesNotFitTheShape_IsRefused()
        => ShouldFail(Write(new OnnxTensor("w", OnnxType.Float, [3]) { Data = Bytes<float>([1, 2]) }), "*w takes 12 bytes and has 8*");

    [Fact]
    public void Open_UnknownElementType_NamesTheTensor() => ShouldFail(WriteGraph(Tensor("words", 8, [1], t => t.Text(6, "a"))), "*words*element type 8*");

    [Fact]
    public void Open_TwoTensorsOfOneName_IsRefused()
        => ShouldFail(WriteGraph(Tensor("w", 1, [1], t => t.Bytes(9, Bytes<float>([1]))), Tensor("w", 1, [1], t => t.Bytes(9, Bytes<float>([1])))), "*two tensors named w*");

    [Fact]
    public void Open_MissingFile_SaysSo() => ShouldFail(_folder.Combine("none.onnx"), "*none.onnx does not exist*");

    [Theory]
    [InlineData("")]
    [InlineData("this is no model at all, just a text file")]
    [InlineData("{\"json\": true}")]
    public void Open_OtherFile_SaysThatItIsNoModel(string content) => ShouldFail(_folder.Write("other.onnx", content), "*not an intact ONNX model*");

    [Fact]
    public void Open_FileCutAnywhere_IsAnAlpacaExceptionOrHasAllTensors()
    {
        var whole = File.ReadAllBytes(Write(new OnnxTensor("first", OnnxType.Float, [2]) { Data = Bytes<float>([1, 2]) }, new OnnxTensor("second", OnnxType.Int64, []) { Data = Bytes<long>([1]) }));
        for (var length = 0; length < whole.Length; length++)
        {
            var path = _folder.Combine("cut.onnx");
            File.WriteAllBytes(path, whole[..length]);
            try
            {
                using var source = OnnxTensorSource.Open(path);
                source.Tensors.Should().HaveCount(2, "the file was cut at {0} behind the graph", length);
            }
            catch (AlpacaException e)
            {
                e.Message.Should().Contain("cut.onnx");
            }
        }
    }

    [Fact]
    public void Open_AnyByteChanged_NeverFailsOtherwiseThanByAlpacaException()
    {
        var whole = File.ReadAllBytes(Write(new OnnxTensor("first", OnnxType.Float, [2]) { Data = Bytes<float>([1, 2]) }, new OnnxTensor("second", OnnxType.Int64, []) { Data = Bytes<long>([1]) }));
        foreach (var flip in (byte[])[0x01, 0x80, 0xFF])
        {
            for (var at = 0; at < whole.Length; at++)
            {
                var damaged = (byte[])whole.Clone();
                damaged[at] ^= flip;
                var path = _folder.Combine("damaged.onnx");
                File.WriteAllBytes(path, damaged);
                try
                {
                    OnnxTensorSource.Open(path).Dispose();
                }
                catch (AlpacaException)
                {
                    // What a damaged file is to be; anything else fails the test.
                }
            }
        }
    }

    private static void ShouldFail(string path, string message)
    {
        var open = () => OnnxTensorSource.Open(path);
        open.Should().Throw<AlpacaException>().WithMessage(message);
    }

    private string Write(params OnnxTensor[] tensors)
    {
        var path = _folder.Combine("model.onnx");
        var graph = new OnnxGraph("g", [new OnnxNode("n", "", "Identity", ["inline"], ["y"], [])], tensors, [], [new OnnxValue("y", OnnxType.Float, [2, 3])]);
        File.WriteAllBytes(path, OnnxWriter.Write(new OnnxModel(10, new Dictionary<string, int> { [""] = 21 }, graph)));
        return path;
    }

    private string WriteGraph(params Action<ProtobufWriter>[] tensors)
    {
        var model = new ProtobufWriter();
        model.Message(7, graph => Array.ForEach(tensors, tensor => graph.Message(5, tensor)));
        var path = _folder.Combine("graph.onnx");
        File.WriteAllBytes(path, model.Written.ToArray());
        return path;
    }

    private static Action<ProtobufWriter> Tensor(string name, int type, long[] shape, Action<ProtobufWriter> data) => tensor =>
    {
        foreach (var size in shape) tensor.Integer(1, size);
        tensor.Integer(2, type);
        tensor.Text(8, name);
        data(tensor);
    };

    private static byte[] Bytes<T>(T[] values)
        where T : unmanaged => MemoryMarshal.AsBytes<T>(values).ToArray();
}
