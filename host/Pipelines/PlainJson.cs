using System.Collections;
using System.Globalization;
using System.Reflection;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization;

namespace Alpaca.Host;

/// <summary>Writes requests and artifacts, which are plain data, as JSON.</summary>
/// <remarks>Not with JsonSerializer: its metadata cache would keep a plugin's types, and so the plugin, in memory (dotnet/runtime#65323).</remarks>
internal static class PlainJson
{
    /// <summary>An object's public properties in camelCase, without those marked with <see cref="JsonIgnoreAttribute"/>.</summary>
    public static JsonObject FromObject(object value)
    {
        var json = new JsonObject();
        foreach (var property in value.GetType().GetProperties(BindingFlags.Public | BindingFlags.Instance))
        {
            if (property.CanRead && property.GetIndexParameters().Length == 0 && property.GetCustomAttribute<JsonIgnoreAttribute>() is null)
                json[char.ToLowerInvariant(property.Name[0]) + property.Name[1..]] = FromValue(property.GetValue(value));
        }

        return json;
    }

    /// <summary>Any plain value. Enumerations are written as their names in small letters, as they are given in configuration.</summary>
    public static JsonNode? FromValue(object? value) => value switch
    {
        null => null,
        string text => JsonValue.Create(text),
        bool truth => JsonValue.Create(truth),
        double number => FromReal(number),
        float number => FromReal(number),
        Enum name => JsonValue.Create(name.ToString().ToLowerInvariant()),
        decimal number => JsonValue.Create(number),
        IConvertible number when number.GetTypeCode() is >= TypeCode.SByte and <= TypeCode.UInt64 => JsonNode.Parse(number.ToString(CultureInfo.InvariantCulture)),
        IDictionary entries => FromEntries(entries),
        IEnumerable<KeyValuePair<string, double>> entries => new JsonObject(entries.Select(e => KeyValuePair.Create(e.Key, FromValue(e.Value)))),
        IEnumerable list => new JsonArray([.. list.Cast<object?>().Select(FromValue)]),
        IFormattable formattable => JsonValue.Create(Text(formattable)),
        _ => FromObject(value),
    };

    private static JsonObject FromEntries(IDictionary entries)
    {
        var json = new JsonObject();
        foreach (DictionaryEntry entry in entries) json[Text(entry.Key)] = FromValue(entry.Value);
        return json;
    }

    /// <summary>JSON has no numbers for NaN and the infinities; they are written by name.</summary>
    private static JsonNode FromReal(double number)
        => double.IsFinite(number) ? JsonNode.Parse(number.ToString("R", CultureInfo.InvariantCulture))! : JsonValue.Create(number.ToString(CultureInfo.InvariantCulture));

    private static JsonNode FromReal(float number)
        => float.IsFinite(number) ? JsonNode.Parse(number.ToString("R", CultureInfo.InvariantCulture))! : JsonValue.Create(number.ToString(CultureInfo.InvariantCulture));

    private static string Text(object value) => value is IFormattable formattable ? formattable.ToString(null, CultureInfo.InvariantCulture) : value.ToString() ?? "";
}
