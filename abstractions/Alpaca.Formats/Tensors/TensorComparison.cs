using System.Numerics;
using System.Runtime.InteropServices;
using Alpaca.Abstractions;

namespace Alpaca.Formats;

/// <summary>How a tensor differs between two models.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Left">The tensor in the first model, or <see langword="null"/> when it is only in the second.</param>
/// <param name="Right">The tensor in the second model, or <see langword="null"/> when it is only in the first.</param>
public sealed record TensorDifference(string Name, TensorInfo? Left, TensorInfo? Right)
{
    /// <summary>Whether the elements can be compared: both models have the tensor, with the same shape.</summary>
    public bool IsComparable => Left is not null && Right is not null && Left.Shape.SequenceEqual(Right.Shape);

    /// <summary>
    /// Elements with different values; -0 equals 0, and a NaN equals a NaN. Elements of different types are compared by their values as float32. 0 where the tensor is
    /// not comparable.
    /// </summary>
    public long DifferentElements { get; init; }

    /// <summary>The largest absolute difference; <see cref="double.NaN"/> where one side alone is no number, infinity where one side alone is infinite. 0 where the tensor is not comparable.</summary>
    public double MaxAbsoluteDifference { get; init; }

    /// <summary>Whether both models have the same tensor: type, shape and every value.</summary>
    public bool IsSame => IsComparable && Left!.DType == Right!.DType && DifferentElements == 0;
}

/// <summary>Compares models tensor by tensor, in memory that does not depend on their size.</summary>
public static class TensorComparison
{
    /// <summary>Compares two sources.</summary>
    /// <param name="left">The first model.</param>
    /// <param name="right">The second model.</param>
    /// <param name="progress">Told the bytes of the first model that have been compared.</param>
    /// <param name="cancellationToken">Looked at between chunks.</param>
    /// <returns>A record for each tensor of either model: the first's in its order, then those that only the second has.</returns>
    /// <exception cref="AlpacaException">A file cannot be read.</exception>
    public static IReadOnlyList<TensorDifference> Compare(ITensorSource left, ITensorSource right, IProgressTask progress, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(left);
        ArgumentNullException.ThrowIfNull(right);
        var pairs = left.Tensors.Select(l => new TensorDifference(l.Name, l, right.Find(l.Name)))
            .Concat(right.Tensors.Where(r => left.Find(r.Name) is null).Select(r => new TensorDifference(r.Name, null, r)))
            .ToList();
        var tallies = pairs.Select(_ => new Tally()).ToList();
        RowPipeline.Run(pairs.Index().Where(p => p.Item.IsComparable).Select(p => CreateTask(left, right, p.Item, tallies[p.Index])), progress, cancellationToken);
        return [.. pairs.Zip(tallies, (pair, tally) => pair with { DifferentElements = tally.Count, MaxAbsoluteDifference = tally.Largest })];
    }

    // Elements in a row have no meaning here: a tensor is compared as one long vector.
    private static RowTask CreateTask(ITensorSource left, ITensorSource right, TensorDifference pair, Tally tally)
    {
        int leftSize = pair.Left!.DType.Size(), rightSize = pair.Right!.DType.Size();
        return new RowTask(pair.Name, pair.Left.ElementCount, leftSize, 1, chunk =>
        {
            var leftBytes = chunk.Scratch.Get<byte>(0, chunk.Rows * leftSize);
            var rightBytes = chunk.Scratch.Get<byte>(1, chunk.Rows * rightSize);
            left.Read(pair.Left, chunk.FirstRow * leftSize, leftBytes);
            right.Read(pair.Right, chunk.FirstRow * rightSize, rightBytes);
            if (pair.Left.DType == pair.Right.DType && leftBytes.SequenceEqual(rightBytes))
            {
                return;
            }

            // What float32 would round together is compared in its own type.
            switch (pair.Left.DType == pair.Right.DType ? pair.Left.DType : DType.Float32)
            {
                case DType.Float64: tally.Add(MemoryMarshal.Cast<byte, double>(leftBytes), MemoryMarshal.Cast<byte, double>(rightBytes)); return;
                case DType.Int32: tally.Add(MemoryMarshal.Cast<byte, int>(leftBytes), MemoryMarshal.Cast<byte, int>(rightBytes)); return;
                case DType.Int64: tally.Add(MemoryMarshal.Cast<byte, long>(leftBytes), MemoryMarshal.Cast<byte, long>(rightBytes)); return;
            }

            var leftValues = chunk.Scratch.Get<float>(2, chunk.Rows);
            var rightValues = chunk.Scratch.Get<float>(3, chunk.Rows);
            TensorConversion.ToFloat32(pair.Left.DType, leftBytes, leftValues);
            TensorConversion.ToFloat32(pair.Right.DType, rightBytes, rightValues);
            tally.Add<float>(leftValues, rightValues);
        });
    }

    /// <summary>What several threads have found about one tensor.</summary>
    private sealed class Tally
    {
        private readonly Lock _lock = new();

        public long Count { get; private set; }

        public double Largest { get; private set; }

        public void Add<T>(ReadOnlySpan<T> left, ReadOnlySpan<T> right) where T : INumber<T>
        {
            long count = 0;
            double largest = 0;
            for (var i = 0; i < left.Length; i++)
            {
                // Equals and not ==: a NaN equals a NaN, and infinities of one sign have no difference.
                if (!left[i].Equals(right[i]))
                {
                    count++;
                    var difference = Math.Abs(double.CreateChecked(left[i]) - double.CreateChecked(right[i]));
                    largest = double.IsNaN(difference) || difference > largest ? difference : largest;
                }
            }

            lock (_lock)
            {
                Count += count;
                Largest = double.IsNaN(Largest) || double.IsNaN(largest) ? double.NaN : Math.Max(Largest, largest);
            }
        }
    }
}
