using System.Globalization;
using System.Text.Json;

namespace Alpaca.Host;

/// <summary>Reads the fields of a request and gathers what is wrong with them, so that a client learns all of it at once. A field that is <c>null</c> counts as absent.</summary>
internal sealed class RequestFields(JsonElement body)
{
    private readonly List<(string Field, string Message)> _problems = [];

    /// <summary>The field, or <see langword="null"/> if it is absent.</summary>
    public JsonElement? Find(string name) => body.TryGetProperty(name, out var value) && value.ValueKind != JsonValueKind.Null ? value : null;

    /// <summary>Adds a problem.</summary>
    /// <param name="field">The field, perhaps with an index.</param>
    /// <param name="message">What it must be, after the field's name.</param>
    public void Add(string field, string message) => _problems.Add((field, $"{field} {message}"));

    public string? Text(string name)
    {
        if (Find(name) is not { } value) return null;
        if (TextOf(value) is { } text) return text;
        Add(name, "must be a string.");
        return null;
    }

    /// <summary>The text of a string; <see langword="null"/> for what is none, or has half a surrogate pair.</summary>
    public static string? TextOf(JsonElement value)
    {
        if (value.ValueKind != JsonValueKind.String) return null;
        try
        {
            return value.GetString();
        }
        catch (InvalidOperationException)
        {
            return null;
        }
    }

    public bool? Flag(string name)
    {
        if (Find(name) is not { } value) return null;
        if (value.ValueKind is JsonValueKind.True or JsonValueKind.False) return value.GetBoolean();
        Add(name, "must be true or false.");
        return null;
    }

    public int? Integer(string name, int least, int most = int.MaxValue)
    {
        if (Find(name) is not { } value) return null;
        // 5.0 is a whole number too.
        if (value.ValueKind == JsonValueKind.Number && value.TryGetDouble(out var number) && number == Math.Floor(number) && number >= least && number <= most) return (int)number;
        Add(name, most == int.MaxValue ? $"is {Shown(value)} but must be a whole number from {least}." : $"is {Shown(value)} but must be a whole number from {least} to {most}.");
        return null;
    }

    /// <summary>A number; <paramref name="least"/> itself is allowed unless <paramref name="isAbove"/>.</summary>
    public float? Number(string name, float least, float most, bool isAbove = false)
    {
        if (Find(name) is not { } value) return null;
        if (value.ValueKind == JsonValueKind.Number && value.TryGetSingle(out var number) && number <= most && (isAbove ? number > least : number >= least)) return number;
        Add(name, string.Create(CultureInfo.InvariantCulture, $"is {Shown(value)} but must be {(isAbove ? "above" : "from")} {least} to {most}."));
        return null;
    }

    /// <summary>Complains if a field asks for what there is not.</summary>
    public void Refuse(string name, string reason, Func<JsonElement, bool>? isHarmless = null)
    {
        if (Find(name) is { } value && isHarmless?.Invoke(value) != true && !IsEmpty(value)) Add(name, reason);
    }

    /// <exception cref="ApiException">There are problems; the message has all of them, <c>param</c> the first one's field.</exception>
    public void ThrowIfAny()
    {
        if (_problems.Count > 0) throw ApiException.Invalid(string.Join(' ', _problems.Select(problem => problem.Message)), _problems[0].Field);
    }

    private static bool IsEmpty(JsonElement value) => value.ValueKind switch
    {
        JsonValueKind.Array => value.GetArrayLength() == 0,
        JsonValueKind.Object => value.GetPropertyCount() == 0,
        JsonValueKind.String => value.ValueEquals(""),
        JsonValueKind.False => true,
        _ => false,
    };

    private static string Shown(JsonElement value)
    {
        var text = value.GetRawText();
        return text.Length <= 40 ? text : $"{text[..40]}…";
    }
}
