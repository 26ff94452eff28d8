using Alpaca.Abstractions;

namespace Alpaca.Formats.Tests.Tensors;

public sealed class TensorComparisonTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Compare_SameBytesInOtherFormats_IsTheSame()
    {
        using var left = Write("a", ("w", DType.Float16, [3, 1000], Values(3000)), ("b", DType.Float32, [5], Values(5)));
        var path = _folder.Combine("b.pth");
        using (var writer = new PthWriter(path, left.Tensors))
        {
            foreach (var tensor in left.Tensors) writer.Write(tensor.Name, 0, left.ReadBytes(tensor));
            writer.Complete();
        }

        using var right = TensorSource.Open(path);

        Compare(left, right).Should().HaveCount(2).And.OnlyContain(d => d.IsSame && d.MaxAbsoluteDifference == 0 && d.DifferentElements == 0);
    }

    [Theory]
    [InlineData(DType.Float16)]
    [InlineData(DType.BFloat16)]
    [InlineData(DType.Float32)]
    [InlineData(DType.Float64)]
    public void Compare_TwoElementsDiffer_CountsThemAndFindsTheLargest(DType dtype)
    {
        var values = Values(100_000);
        float[] changed = [.. values];
        changed[7] += 0.5f;
        changed[99_999] -= 2f;
        using var left = Write("a", ("w", dtype, [100, 1000], values));
        using var right = Write("b", ("w", dtype, [100, 1000], changed));

        var difference = Compare(left, right).Single();

        difference.IsSame.Should().BeFalse();
        difference.DifferentElements.Should().Be(2);
        difference.MaxAbsoluteDifference.Should().Be(2);
    }

    [Theory]
    [InlineData(DType.Int32)]
    [InlineData(DType.Int64)]
    public void Compare_IntegersThatFloat32RoundsTogether_AreDifferent(DType dtype)
    {
        ITensorSource WriteInteger(string name, int value)
        {
            var path = _folder.Combine($"{name}.safetensors");
            using (var writer = new SafetensorsWriter(path, [new TensorInfo("w", dtype, [1])]))
            {
                writer.Write("w", 0, dtype == DType.Int32 ? BitConverter.GetBytes(value) : BitConverter.GetBytes((long)value));
                writer.Complete();
            }

            return TensorSource.Open(path);
        }

        using var left = WriteInteger("a", 1 << 24);
        using var right = WriteInteger("b", (1 << 24) + 1);

        var difference = Compare(left, right).Single();

        (difference.IsSame, difference.DifferentElements, difference.MaxAbsoluteDifference).Should().Be((false, 1, 1));
    }

    [Fact]
    public void Compare_OtherTypes_ComparesValues()
    {
        using var left = Write("a", ("w", DType.Float16, [4], [1, 2, 3, 4]));
        using var right = Write("b", ("w", DType.Float32, [4], [1, 2, 3, 4.25f]));

        var difference = Compare(left, right).Single();

        difference.IsSame.Should().BeFalse("the types differ");
        (difference.DifferentElements, difference.MaxAbsoluteDifference).Should().Be((1, 0.25));
    }

    [Fact]
    public void Compare_OnlyOnOneSideOrOfOtherShape_IsNamedAndNotCompared()
    {
        using var left = Write("a", ("same", DType.Float32, [2], [1, 2]), ("left", DType.Float32, [1], [1]), ("shape", DType.Float32, [2, 1], [1, 2]));
        using var right = Write("b", ("right", DType.Float32, [1], [1]), ("same", DType.Float32, [2], [1, 2]), ("shape", DType.Float32, [1, 2], [1, 2]));

        var differences = Compare(left, right);

        differences.Select(d => (d.Name, d.Left is not null, d.Right is not null, d.IsComparable, d.IsSame)).Should()
            .Equal(("same", true, true, true, true), ("left", true, false, false, false), ("shape", true, true, false, false), ("right", false, true, false, false));
    }

    [Fact]
    public void Compare_NaNAndInfinity_EqualThemselvesAndAreFarFromTheRest()
    {
        using var left = Write("a", ("same", DType.Float32, [3], [float.NaN, float.PositiveInfinity, -0f]), ("nan", DType.Float32, [2], [float.NaN, 1]), ("infinite", DType.Float32, [1], [float.PositiveInfinity]));
        using var right = Write("b", ("same", DType.Float32, [3], [float.NaN, float.PositiveInfinity, 0f]), ("nan", DType.Float32, [2], [0, 1]), ("infinite", DType.Float32, [1], [1]));

        var differences = Compare(left, right);

        differences[0].DifferentElements.Should().Be(0);
        differences[1].MaxAbsoluteDifference.Should().Be(double.NaN);
        differences[2].MaxAbsoluteDifference.Should().Be(double.PositiveInfinity);
    }

    private static IReadOnlyList<TensorDifference> Compare(ITensorSource left, ITensorSource right) =>
        TensorComparison.Compare(left, right, NullProgress.Instance, CancellationToken.None);

    // Multiples of 1/4 up to 16 are exact in every type.
    private static float[] Values(int count)
    {
        var random = new Random(3);
        return [.. Enumerable.Range(0, count).Select(_ => random.Next(-64, 64) / 4f)];
    }

    private ITensorSource Write(string name, params (string Name, DType DType, long[] Shape, float[] Values)[] tensors)
    {
        var path = _folder.Combine($"{name}.safetensors");
        using (var writer = new SafetensorsWriter(path, [.. tensors.Select(t => new TensorInfo(t.Name, t.DType, t.Shape))]))
        {
            foreach (var tensor in tensors)
            {
                var bytes = new byte[tensor.Values.Length * tensor.DType.Size()];
                TensorConversion.FromFloat32(tensor.DType, tensor.Values, bytes);
                writer.Write(tensor.Name, 0, bytes);
            }

            writer.Complete();
        }

        return TensorSource.Open(path);
    }
}
