using System.Text.Json;

namespace Alpaca.Host;

/// <summary>A text, or the ids of one.</summary>
/// <param name="Text">The text; <see langword="null"/> where there are ids.</param>
/// <param name="Ids">The ids; <see langword="null"/> where there is text.</param>
internal sealed record TextInput(string? Text, IReadOnlyList<int>? Ids)
{
    /// <summary>Reads a string, an array of strings, an array of ids or an array of those.</summary>
    public static IReadOnlyList<TextInput> Read(RequestFields fields, string name, int most)
    {
        if (fields.Find(name) is not { } value)
        {
            fields.Add(name, "is missing.");
            return [];
        }

        if (ReadOne(value) is { } single) return [single];
        var inputs = value.ValueKind == JsonValueKind.Array ? value.EnumerateArray().Select(ReadOne).ToList() : [];
        if (inputs.Count > 0 && inputs.Count <= most && inputs.All(input => input is not null)) return inputs!;
        fields.Add(name, $"must be a string, an array of strings, an array of token ids or an array of such arrays; none of them empty, and at most {most}.");
        return [];
    }

    /// <summary>Its ids, beginning-of-sequence included where it is text.</summary>
    /// <exception cref="ApiException">An id is outside the vocabulary.</exception>
    public IReadOnlyList<int> Encode(ModelHandle model, string name)
    {
        if (Text is not null) return model.Encode(Text);
        foreach (var id in Ids!)
        {
            if (id >= model.Generator.VocabularySize) throw ApiException.Invalid($"{name} has the token {id}, but the vocabulary ends at {model.Generator.VocabularySize - 1}.", name);
        }

        return Ids;
    }

    private static TextInput? ReadOne(JsonElement value)
    {
        if (RequestFields.TextOf(value) is { Length: > 0 } text) return new TextInput(text, null);
        if (value.ValueKind != JsonValueKind.Array || value.GetArrayLength() == 0) return null;
        var ids = new List<int>(value.GetArrayLength());
        foreach (var entry in value.EnumerateArray())
        {
            if (entry.ValueKind != JsonValueKind.Number || !entry.TryGetInt32(out var id) || id < 0) return null;
            ids.Add(id);
        }

        return new TextInput(null, ids);
    }
}
