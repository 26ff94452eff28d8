using Alpaca.Abstractions;
using static TorchSharp.torch;

namespace Alpaca.Llama;

/// <summary>Draws the rows that a vocabulary gains.</summary>
internal static class AddedRows
{
    private const double NormalDeviation = 0.02;           // initializer_range of the published configurations
    private const double MeanDeviationRatio = 3.1622777e-5; // the root of the 1e-9 by which transformers scales the covariance
    private const long PieceRows = 4096;

    /// <summary>Draws rows on the CPU in float32, so that a seed means the same rows everywhere.</summary>
    /// <param name="init">From what distribution.</param>
    /// <param name="count">How many.</param>
    /// <param name="oldRows">The rows that are there, [V, H].</param>
    /// <param name="generator">Of the CPU.</param>
    /// <returns>[count, H] float32 on the CPU, in the caller's dispose scope.</returns>
    public static Tensor Draw(NewRowInit init, long count, Tensor oldRows, Generator generator)
    {
        using var scope = NewDisposeScope();
        using var noGrad = no_grad();
        var rows = empty(count, oldRows.shape[1], dtype: ScalarType.Float32);
        if (init == NewRowInit.Normal) return rows.normal_(0, NormalDeviation, generator).MoveToOuterDisposeScope();
        var (mean, deviation) = Moments(oldRows);
        return rows.normal_(0, MeanDeviationRatio, generator).mul_(deviation).add_(mean).MoveToOuterDisposeScope();
    }

    // Per column, [H]; piece by piece, since a copy in float64 would be larger than the matrix.
    private static (Tensor Mean, Tensor Deviation) Moments(Tensor rows)
    {
        var sum = zeros(rows.shape[1], dtype: ScalarType.Float64);
        var squares = zeros_like(sum);
        for (long first = 0; first < rows.shape[0]; first += PieceRows)
        {
            using var scope = NewDisposeScope();
            var piece = rows.narrow(0, first, Math.Min(PieceRows, rows.shape[0] - first)).cpu().to_type(ScalarType.Float64);
            sum.add_(piece.sum(0));
            squares.add_(piece.square().sum(0));
        }

        var mean = sum.div(rows.shape[0]);
        return (mean.to_type(ScalarType.Float32), squares.div(rows.shape[0]).sub(mean.square()).clamp_min(0).sqrt().to_type(ScalarType.Float32));
    }
}
