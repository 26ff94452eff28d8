using System.CommandLine;
using System.Globalization;
using System.Numerics;

namespace Alpaca.Host;

/// <summary>Limits of option values, checked while the command line is parsed.</summary>
internal static class OptionRules
{
    /// <summary>Refuses what is below a limit.</summary>
    public static void RequireAtLeast<T>(this Option<T?> option, T least) where T : struct, INumber<T>
        => option.Require(value => value >= least, $"from {Text(least)}");

    /// <summary>Refuses what is outside a range.</summary>
    public static void RequireBetween<T>(this Option<T?> option, T least, T most) where T : struct, INumber<T>
        => option.Require(value => value >= least && value <= most, $"from {Text(least)} to {Text(most)}");

    private static void Require<T>(this Option<T?> option, Func<T, bool> isFine, string range) where T : struct, INumber<T>
        => option.Validators.Add(result =>
        {
            if (result.Tokens is [var token] && T.TryParse(token.Value, CultureInfo.InvariantCulture, out var value) && !isFine(value))
                result.AddError($"{option.Name} is {token.Value}; it must be {range}.");
        });

    private static string Text<T>(T value) where T : INumber<T> => value.ToString(null, CultureInfo.InvariantCulture);
}
