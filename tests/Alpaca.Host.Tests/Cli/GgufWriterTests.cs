using System.Diagnostics;
using System.Text;
using Alpaca.Abstractions;
using Alpaca.Formats;

namespace Alpaca.Host.Tests;

/// <summary>The script that gives llama.cpp the same weights, on a tiny model; its file is read back by what the format's description says.</summary>
public sealed class GgufWriterTests : IDisposable
{
    private const int Block = 32;
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [NodeTheory]
    [InlineData("f32", 0, 4 * Block)]
    [InlineData("q8_0", 8, 2 + Block)]
    [InlineData("q4_0", 2, 2 + (Block / 2))]
    public async Task WriteGguf_TinyModel_HasEveryTensorAtItsPlace(string type, uint typeId, int blockBytes)
    {
        using var file = await WriteAsync(type);

        var config = WeightShape.All[0].Config;
        file.Metadata["general.architecture"].Should().Be("llama");
        file.Metadata["llama.attention.head_count_kv"].Should().Be((uint)config.NumKeyValueHeads);
        file.Metadata["tokenizer.ggml.tokens"].Should().BeOfType<object[]>().Which.Should().HaveCount(config.VocabSize).And.OnlyHaveUniqueItems();
        file.Tensors.Should().HaveCount((9 * config.NumHiddenLayers) + 3);
        long next = 0;
        foreach (var tensor in file.Tensors)
        {
            tensor.Offset.Should().Be(next, "tensors follow each other");
            var isQuantized = tensor.Shape.Length == 2 && tensor.Shape[0] % Block == 0;
            tensor.Type.Should().Be(isQuantized ? typeId : 0u, tensor.Name);
            var elements = tensor.Shape.Aggregate(1L, (a, b) => a * b);
            next = (next + (isQuantized ? elements / Block * blockBytes : 4 * elements) + 31) / 32 * 32;
        }

        file.DataLength.Should().Be(next);
    }

    [NodeTheory]
    [InlineData("f32", 0)]
    [InlineData("q8_0", 0.0006)] // a 127th of 0.069, the largest weight, rounded to a half, and the rounding of the scale
    [InlineData("q4_0", 0.0095)] // an 8th of it; the largest of the other sign is cut
    public async Task WriteGguf_TinyModel_HoldsItsWeights(string type, double tolerance)
    {
        using var file = await WriteAsync(type);

        using var model = HuggingFaceModel.Open(_folder.Path);
        var config = model.Config;
        var (queries, gate) = (Read("model.layers.1.self_attn.q_proj.weight"), Read("model.layers.1.mlp.gate_proj.weight"));
        ShouldBe(file.Values("blk.1.ffn_gate.weight"), gate);

        // Neighbouring rows of a head turn together there, the two halves here.
        var (hidden, size) = (config.HiddenSize, config.HeadDim);
        var expected = new List<float>();
        for (var row = 0; row < config.NumAttentionHeads * size; row++)
            expected.AddRange(queries.AsSpan(((row / size * size) + (row % 2 * size / 2) + (row % size / 2)) * hidden, hidden));
        ShouldBe(file.Values("blk.1.attn_q.weight"), [.. expected]);

        float[] Read(string name) => model.Tensors.ReadAsFloat32(model.Tensors.Find(name)!);

        void ShouldBe(float[] values, float[] wanted)
        {
            values.Should().HaveCount(wanted.Length);
            values.Zip(wanted, (a, b) => Math.Abs(a - b)).Max().Should().BeLessThanOrEqualTo((float)tolerance);
        }
    }

    private async Task<GgufFile> WriteAsync(string type)
    {
        new SyntheticWeights(WeightShape.All[0], 1, NullProgress.Instance, CancellationToken.None).WriteModel(_folder.Path);
        var (script, path) = (Path.Combine(Golden.RepositoryRoot, "tests", "peers", "llama-cpp", "write-gguf.mjs"), _folder.Combine("model.gguf"));
        await ChildProcess.RunAsync("node", [script, _folder.Path, path, type], CancellationToken.None);
        return new GgufFile(path);
    }

    private sealed record GgufTensor(string Name, long[] Shape, uint Type, long Offset);

    /// <summary>A GGUF file, version 3.</summary>
    private sealed class GgufFile : IDisposable
    {
        private readonly BinaryReader _reader;
        private readonly long _data;

        public GgufFile(string path)
        {
            _reader = new BinaryReader(File.OpenRead(path));
            Encoding.ASCII.GetString(_reader.ReadBytes(4)).Should().Be("GGUF");
            _reader.ReadUInt32().Should().Be(3);
            var (tensors, pairs) = (_reader.ReadInt64(), _reader.ReadInt64());
            for (var i = 0; i < pairs; i++) Metadata.Add(ReadString(), ReadValue(_reader.ReadUInt32()));
            for (var i = 0; i < tensors; i++)
                Tensors.Add(new GgufTensor(ReadString(), [.. Enumerable.Range(0, _reader.ReadInt32()).Select(_ => _reader.ReadInt64())], _reader.ReadUInt32(), _reader.ReadInt64()));
            _data = (_reader.BaseStream.Position + 31) / 32 * 32;
        }

        public Dictionary<string, object> Metadata { get; } = [];

        public List<GgufTensor> Tensors { get; } = [];

        public long DataLength => _reader.BaseStream.Length - _data;

        public float[] Values(string name)
        {
            var tensor = Tensors.Single(t => t.Name == name);
            _reader.BaseStream.Position = _data + tensor.Offset;
            var values = new float[tensor.Shape.Aggregate(1L, (a, b) => a * b)];
            if (tensor.Type == 0)
            {
                for (var i = 0; i < values.Length; i++) values[i] = _reader.ReadSingle();
                return values;
            }

            for (var at = 0; at < values.Length; at += Block)
            {
                var scale = (float)_reader.ReadHalf();
                for (var i = 0; i < (tensor.Type == 8 ? Block : Block / 2); i++)
                {
                    var bits = _reader.ReadByte();
                    if (tensor.Type == 8) values[at + i] = (sbyte)bits * scale;
                    else (values[at + i], values[at + (Block / 2) + i]) = (((bits & 15) - 8) * scale, ((bits >> 4) - 8) * scale);
                }
            }

            return values;
        }

        public void Dispose() => _reader.Dispose();

        private string ReadString() => Encoding.UTF8.GetString(_reader.ReadBytes((int)_reader.ReadInt64()));

        private object ReadValue(uint type) => type switch
        {
            4 => _reader.ReadUInt32(),
            5 => _reader.ReadInt32(),
            6 => _reader.ReadSingle(),
            8 => ReadString(),
            9 => ReadArray(),
            _ => throw new InvalidDataException($"Type {type} is not expected here."),
        };

        private object[] ReadArray()
        {
            var type = _reader.ReadUInt32();
            return [.. Enumerable.Range(0, (int)_reader.ReadInt64()).Select(_ => ReadValue(type))];
        }
    }
}

/// <summary>A theory that needs Node.</summary>
[AttributeUsage(AttributeTargets.Method)]
internal sealed class NodeTheoryAttribute : TheoryAttribute
{
    private static readonly Lazy<bool> IsInstalled = new(() =>
    {
        try
        {
            using var process = Process.Start(new ProcessStartInfo("node", ["--version"]) { RedirectStandardOutput = true })!;
            process.WaitForExit();
            return process.ExitCode == 0;
        }
        catch (System.ComponentModel.Win32Exception)
        {
            return false;
        }
    });

    public NodeTheoryAttribute() => Skip = IsInstalled.Value ? null : "Node is not installed.";
}
