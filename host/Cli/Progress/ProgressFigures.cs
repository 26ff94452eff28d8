using System.Globalization;
using Alpaca.Abstractions;

namespace Alpaca.Host;

/// <summary>How far a piece of work is, how fast, and how long it will take at that pace.</summary>
/// <param name="Done">How much is done.</param>
/// <param name="Total">How much there is, if that is known.</param>
/// <param name="Unit">What is counted.</param>
/// <param name="Elapsed">The time since the start.</param>
/// <param name="GoneOnFrom">How much was done before the start, when earlier work is gone on from.</param>
internal sealed record ProgressFigures(double Done, double? Total, ProgressUnit Unit, TimeSpan Elapsed, double GoneOnFrom = 0)
{
    /// <summary>A first report that comes this soon says where the work goes on from.</summary>
    public static readonly TimeSpan AtOnce = TimeSpan.FromMilliseconds(50);

    /// <summary>Units per second since the start; <see langword="null"/> before there is a pace.</summary>
    public double? Rate => Elapsed > TimeSpan.Zero && Done > GoneOnFrom ? (Done - GoneOnFrom) / Elapsed.TotalSeconds : null;

    /// <summary>The time left at that rate; <see langword="null"/> when it is done or cannot be known.</summary>
    public TimeSpan? Left => Rate is { } rate && Total > Done ? TimeSpan.FromSeconds(Math.Min((Total.Value - Done) / rate, TimeSpan.FromDays(365).TotalSeconds)) : null;

    /// <summary><c>120 of 600 steps (20 %), 35 steps/s, 14 s left</c>.</summary>
    public override string ToString()
    {
        var parts = new List<string> { Amounts.Done(Done, Total, Unit) };
        if (Total is > 0) parts[0] += string.Create(CultureInfo.InvariantCulture, $" ({Math.Min(100, Math.Floor(100 * Done / Total.Value)):0} %)");
        if (Rate is { } rate) parts.Add(Amounts.Rate(rate, Unit));
        if (Left is { } left) parts.Add($"{Amounts.Duration(left)} left");
        return string.Join(", ", parts);
    }
}
