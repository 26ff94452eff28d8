using System.Globalization;

namespace Alpaca.Host;

/// <summary>What a benchmark found.</summary>
/// <param name="Name">The benchmark.</param>
/// <param name="Results">Its figures.</param>
internal sealed record BenchReport(string Name, IReadOnlyList<BenchResult> Results)
{
    /// <summary>Writes a table, or one JSON document.</summary>
    public void Write(CommandConsole console, bool json)
    {
        if (json)
        {
            JsonOutput.Write(console.Out, this);
            return;
        }

        var table = Tables.Create("Metric", "Value", "Deviation", "Unit");
        foreach (var result in Results)
            table.AddTextRow(result.Metric, Text(result.Value), Text(result.Deviation), result.Unit);
        console.OutTables.Write(table);
    }

    private static string Text(double value) => value.ToString("0.###", CultureInfo.InvariantCulture);
}

/// <summary>A figure of a benchmark.</summary>
/// <param name="Metric">What was measured.</param>
/// <param name="Value">The mean over the repetitions, or their median where few would be bent by one bad turn.</param>
/// <param name="Deviation">The standard deviation of a repetition; 0 for a single one.</param>
/// <param name="Unit">The unit.</param>
internal sealed record BenchResult(string Metric, double Value, double Deviation, string Unit)
{
    /// <summary>Mean and deviation of some repetitions.</summary>
    public static BenchResult Of(string metric, string unit, IReadOnlyList<double> values)
    {
        var mean = values.Average();
        var variance = values.Count > 1 ? values.Sum(v => (v - mean) * (v - mean)) / (values.Count - 1) : 0;
        return new BenchResult(metric, mean, Math.Sqrt(variance), unit);
    }

    /// <summary>Median and deviation of some repetitions.</summary>
    public static BenchResult MedianOf(string metric, string unit, IReadOnlyList<double> values)
    {
        double[] sorted = [.. values.Order()];
        return Of(metric, unit, values) with { Value = (sorted[(sorted.Length - 1) / 2] + sorted[sorted.Length / 2]) / 2 };
    }
}
