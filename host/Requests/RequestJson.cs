using System.Globalization;
using System.Text.Json.Nodes;

namespace Alpaca.Host;

/// <summary>A stage's request as JSON by option name, and back: what is read is equal to what was written.</summary>
internal static class RequestJson
{
    public static JsonObject Write(object request)
    {
        var values = new JsonObject();
        foreach (var property in RequestSchema.Properties(request.GetType())) values[property.Name] = PlainJson.FromValue(property.GetValue(request));
        return values;
    }

    /// <summary>Makes a request; options that are not there keep their defaults.</summary>
    /// <exception cref="FormatException">A value does not fit its option.</exception>
    public static object Read(Type requestType, JsonObject values)
    {
        var options = RequestSchema.Describe(requestType).ToDictionary(o => o.Name);
        var request = Activator.CreateInstance(requestType)!;
        foreach (var property in RequestSchema.Properties(requestType))
        {
            if (!values.TryGetPropertyValue(property.Name, out var value)) continue;
            var option = options[property.Name];
            property.SetValue(request, value switch
            {
                null => null,
                JsonArray list => RequestBinder.AsList(ReadList(option, list), property.PropertyType, option.Type),
                _ => ReadOne(option, value),
            });
        }

        return request;
    }

    private static Array ReadList(RequestOption option, JsonArray list)
    {
        var elements = Array.CreateInstance(option.Type, list.Count);
        for (var i = 0; i < list.Count; i++) elements.SetValue(ReadOne(option, list[i]), i);
        return elements;
    }

    private static object? ReadOne(RequestOption option, JsonNode? node)
    {
        if (node is null) return null;
        var (text, culture) = (ConfigurationTree.TextOf((JsonValue)node), CultureInfo.InvariantCulture);
        // Unlike in configuration, these may be infinite, or more exact than a double.
        if (option.Type == typeof(double)) return double.Parse(text, culture);
        if (option.Type == typeof(float)) return float.Parse(text, culture);
        if (option.Type == typeof(decimal)) return decimal.Parse(text, NumberStyles.Float, culture);
        return OptionValue.TryParse(option.Type, text, out var value, out var expected) ? value : throw new FormatException($"{option.Name} is '{text}'; it must be {expected}.");
    }
}
