using System.Numerics.Tensors;
using System.Runtime.InteropServices;
using Alpaca.Formats;
using BenchmarkDotNet.Attributes;

namespace Alpaca.Benchmarks;

/// <summary>What merging and exporting do to every weight: widen to float32, round back. A million elements, 2 MB of float16.</summary>
public class TensorConversionBenchmarks
{
    private readonly float[] _values = new float[1 << 20];
    private byte[] _stored = [];

    [Params(DType.Float16, DType.BFloat16)]
    public DType DType { get; set; }

    [GlobalSetup]
    public void Fill()
    {
        var random = new Random(1);
        for (var i = 0; i < _values.Length; i++) _values[i] = random.NextSingle() - 0.5f;
        _stored = new byte[_values.Length * DType.Size()];
        TensorConversion.FromFloat32(DType, _values, _stored);
    }

    /// <summary>The library's, which only float16 has.</summary>
    [Benchmark]
    public void WidenFloat16ByTensorPrimitives() => TensorPrimitives.ConvertToSingle(MemoryMarshal.Cast<byte, Half>(_stored), _values);

    [Benchmark]
    public void Widen() => TensorConversion.ToFloat32(DType, _stored, _values);

    [Benchmark]
    public void Round() => TensorConversion.FromFloat32(DType, _values, _stored);
}
