using System.Globalization;
using Alpaca.Abstractions;

namespace Alpaca.Host;

/// <summary>How amounts, rates and durations are written for people.</summary>
internal static class Amounts
{
    /// <summary><c>12.3 of 26.0 MB</c>, <c>120 of 600 steps</c>, <c>17 tensors</c> when there is no total.</summary>
    public static string Done(double done, double? total, ProgressUnit unit)
    {
        var of = total is { } all ? $" of {Number(all, unit)}" : "";
        return Join($"{Number(done, unit)}{of}", Name(unit));
    }

    /// <summary><c>35 steps/s</c>, <c>120.4 MB/s</c>.</summary>
    public static string Rate(double perSecond, ProgressUnit unit)
    {
        var number = unit == ProgressUnit.Bytes || perSecond < 10 ? Number(perSecond, unit, "0.0") : Number(perSecond, unit);
        return unit == ProgressUnit.Items ? $"{number}/s" : $"{number} {Name(unit)}/s";
    }

    /// <summary><c>0.4 s</c>, <c>14 s</c>, <c>3 min 05 s</c>, <c>2 h 07 min</c>.</summary>
    public static string Duration(TimeSpan time) => time switch
    {
        { TotalSeconds: < 10 } => string.Create(CultureInfo.InvariantCulture, $"{time.TotalSeconds:0.0} s"),
        { TotalSeconds: < 60 } => string.Create(CultureInfo.InvariantCulture, $"{time.TotalSeconds:0} s"),
        { TotalMinutes: < 60 } => string.Create(CultureInfo.InvariantCulture, $"{time.Minutes} min {time.Seconds:00} s"),
        _ => string.Create(CultureInfo.InvariantCulture, $"{(long)time.TotalHours} h {time.Minutes:00} min"),
    };

    private static string Number(double value, ProgressUnit unit, string? format = null)
        => unit == ProgressUnit.Bytes
            ? (value / 1e6).ToString("0.0", CultureInfo.InvariantCulture)
            : value.ToString(format ?? "0", CultureInfo.InvariantCulture);

    private static string Name(ProgressUnit unit) => unit switch
    {
        ProgressUnit.Bytes => "MB",
        ProgressUnit.Steps => "steps",
        ProgressUnit.Tensors => "tensors",
        _ => "",
    };

    private static string Join(string number, string name) => name.Length == 0 ? number : $"{number} {name}";
}
