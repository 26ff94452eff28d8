using Alpaca.Formats;

namespace Alpaca.Merging.Tests;

/// <summary>The definition, written out in double precision: W + alpha / r · B · A.</summary>
internal static class Reference
{
    public static double[] Merge(float[] weight, PeftAdapter adapter, LoraPair pair)
    {
        var a = adapter.Tensors.ReadAsFloat32(pair.A);
        var b = adapter.Tensors.ReadAsFloat32(pair.B);
        return Merge(weight, a, b, rows: (int)pair.B.Shape[0], columns: (int)pair.A.Shape[1], rank: (int)pair.A.Shape[0], adapter.Config.LoraAlpha / adapter.Config.R);
    }

    public static double[] Merge(float[] weight, float[] a, float[] b, int rows, int columns, int rank, double scaling)
    {
        var result = new double[rows * columns];
        for (var i = 0; i < rows; i++)
        {
            for (var j = 0; j < columns; j++)
            {
                double sum = 0;
                for (var k = 0; k < rank; k++)
                {
                    sum += (double)b[(i * rank) + k] * a[(k * columns) + j];
                }

                result[(i * columns) + j] = weight[(i * columns) + j] + (scaling * sum);
            }
        }

        return result;
    }
}
