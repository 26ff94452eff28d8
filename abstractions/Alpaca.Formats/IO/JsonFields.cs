using System.Text.Json;
using System.Text.Json.Nodes;

namespace Alpaca.Formats;

/// <summary>Reads typed fields of a JSON object and collects what is wrong with them, so that all problems of a file are told at once.</summary>
internal sealed class JsonFields(JsonObject json)
{
    public List<string> Problems { get; } = [];

    /// <summary>The field, or <see langword="null"/> when it is absent, null, or of another type (which is noted).</summary>
    public T? Optional<T>(string key) where T : struct
    {
        if (json[key] is not { } node)
        {
            return null;
        }

        if (node is JsonValue value && TryConvert<T>(value, out var result))
        {
            return result;
        }

        Problems.Add($"{key} is {Shorten(node)}, expected {Describe(typeof(T))}");
        return null;
    }

    /// <summary>The field; absent is noted as a problem.</summary>
    public T Required<T>(string key) where T : struct
    {
        if (json[key] is null)
        {
            Problems.Add($"{key} is missing");
        }

        return Optional<T>(key) ?? default;
    }

    /// <summary>A whole number of at least 1.</summary>
    public int RequiredPositive(string key)
    {
        var before = Problems.Count;
        var value = Required<int>(key);
        if (value < 1 && Problems.Count == before)
        {
            Problems.Add($"{key} is {value}, expected at least 1");
        }

        return value;
    }

    /// <summary>The text, or <see langword="null"/>.</summary>
    public string? Text(string key)
    {
        if (json[key] is not { } node)
        {
            return null;
        }

        if (node is JsonValue value && value.TryGetValue<string>(out var text))
        {
            return text;
        }

        Problems.Add($"{key} is {Shorten(node)}, expected text");
        return null;
    }

    /// <summary>A list of texts, or one text as a list of one; empty when absent or null.</summary>
    public IReadOnlyList<string> Texts(string key)
    {
        switch (json[key])
        {
            case null:
                return [];
            case JsonValue value when value.TryGetValue<string>(out var text):
                return [text];
            case JsonArray array when array.All(n => n is JsonValue v && v.GetValueKind() == JsonValueKind.String):
                return [.. array.Select(n => n!.GetValue<string>())];
            case { } node:
                Problems.Add($"{key} is {Shorten(node)}, expected a list of texts");
                return [];
        }
    }

    private static bool TryConvert<T>(JsonValue value, out T result) where T : struct
    {
        // 32.0 is a whole number too: Python writes counts that passed through a float that way.
        if (typeof(T) == typeof(int) && value.GetValueKind() == JsonValueKind.Number && value.TryGetValue<double>(out var number)
            && double.IsInteger(number) && number is >= int.MinValue and <= int.MaxValue)
        {
            result = (T)(object)(int)number;
            return true;
        }

        if (typeof(T) == typeof(double))
        {
            var ok = value.TryGetValue<double>(out var real) && double.IsFinite(real);
            result = (T)(object)real;
            return ok;
        }

        return value.TryGetValue(out result);
    }

    private static string Describe(Type type) => type == typeof(int) ? "a whole number" : type == typeof(bool) ? "true or false" : "a number";

    private static string Shorten(JsonNode node)
    {
        var text = node.ToJsonString();
        return text.Length <= 40 ? text : text[..37] + "...";
    }
}
