using System.Globalization;

namespace Alpaca.Host;

/// <summary>One value of an option, from text and back.</summary>
internal static class OptionValue
{
    private static readonly string[] Truths = ["true", "false"];

    public static bool IsSupported(Type type)
        => type.IsEnum || type == typeof(string) || type == typeof(bool) || type == typeof(TimeSpan) || IsInteger(type) || IsReal(type);

    /// <summary>The words a type takes, in small letters; <see langword="null"/> when there are too many to list.</summary>
    public static IReadOnlyList<string>? AllowedValues(Type type)
        => type.IsEnum ? [.. Enum.GetNames(type).Select(n => n.ToLowerInvariant())] : type == typeof(bool) ? Truths : null;

    /// <summary>Converts text.</summary>
    /// <returns>Whether the text is a value of that type; when not, <paramref name="expected"/> says what would be.</returns>
    public static bool TryParse(Type type, string text, out object? value, out string expected)
    {
        var culture = CultureInfo.InvariantCulture;
        (value, expected) = (null, "");
        if (type == typeof(string))
        {
            value = text;
        }
        else if (type == typeof(bool))
        {
            expected = "true or false";
            if (bool.TryParse(text, out var truth)) value = truth;
        }
        else if (type.IsEnum)
        {
            // Only names: Enum.Parse would also take numbers that stand for nothing.
            expected = $"one of {string.Join(", ", AllowedValues(type)!)}";
            var name = Array.Find(Enum.GetNames(type), n => n.Equals(text.Replace("-", "", StringComparison.Ordinal), StringComparison.OrdinalIgnoreCase));
            if (name is not null) value = Enum.Parse(type, name);
        }
        else if (type == typeof(TimeSpan))
        {
            expected = "a time such as 00:05:00";
            if (TimeSpan.TryParse(text, culture, out var time)) value = time;
        }
        else if (IsInteger(type))
        {
            expected = $"a whole number up to {Limit(type)}";
            if (decimal.TryParse(text, NumberStyles.Integer | NumberStyles.AllowExponent, culture, out var number) && number == decimal.Truncate(number)) value = ToInteger(type, number);
        }
        else
        {
            expected = "a number";
            if (double.TryParse(text, NumberStyles.Float, culture, out var number) && double.IsFinite(number)) value = Convert.ChangeType(number, type, culture);
        }

        return value is not null;
    }

    private static object? ToInteger(Type type, decimal number)
    {
        try
        {
            return Convert.ChangeType(number, type, CultureInfo.InvariantCulture);
        }
        catch (OverflowException)
        {
            return null;
        }
    }

    private static object Limit(Type type) => type.GetField("MaxValue")!.GetValue(null)!;

    private static bool IsInteger(Type type)
        => type == typeof(int) || type == typeof(long) || type == typeof(short) || type == typeof(byte) || type == typeof(uint) || type == typeof(ulong);

    private static bool IsReal(Type type) => type == typeof(double) || type == typeof(float) || type == typeof(decimal);
}
