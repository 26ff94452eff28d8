namespace Alpaca.Abstractions.Tests;

/// <summary>Values that no property has by default.</summary>
internal static class Samples
{
    /// <summary>Makes one of a type, with every property set to something else than its default.</summary>
    public static object Of(Type type)
    {
        var sample = Contracts.Create(type);
        foreach (var property in Contracts.PropertiesOf(type)) property.SetValue(sample, Other(property.PropertyType, property.GetValue(sample)));
        return sample;
    }

    private static object Other(Type type, object? value) => (Nullable.GetUnderlyingType(type) ?? type) switch
    {
        var t when t == typeof(string) => $"{value} \"中文\"\n, else",
        var t when t == typeof(bool) => value is not true,
        var t when t == typeof(int) => (value as int? ?? 0) + 3,
        var t when t == typeof(long) => (value as long? ?? 0) + (1L << 40),
        var t when t == typeof(float) => (value as float? ?? 0) + 0.1f,
        var t when t == typeof(double) => (value as double? ?? 0) + 1e-9,
        { IsEnum: true } t => Enum.GetValues(t).Cast<object>().Last(other => !other.Equals(value)),
        var t when t == typeof(IReadOnlyList<string>) => new[] { "with, commas", "", "and [brackets]" },
        var t when t == typeof(IReadOnlyList<int>) => new[] { 2, 32000 },
        var t when t == typeof(IReadOnlyList<AdapterSource>) => new[] { new AdapterSource("poems", "adapters/poems") },
        var t when t == typeof(IReadOnlyDictionary<string, double>) => new Dictionary<string, double> { ["evalLoss"] = 1.25, ["tensors"] = 291 },
        var t => throw new NotSupportedException($"Say here what else a {t} may be."),
    };
}
