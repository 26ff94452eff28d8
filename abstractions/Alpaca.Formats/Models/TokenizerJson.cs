using System.Text.Json.Nodes;
using Alpaca.Abstractions;

namespace Alpaca.Formats;

/// <summary>The <c>tokenizer.json</c> of Hugging Face's tokenizers library, as far as its vocabulary's size goes.</summary>
public static class TokenizerJson
{
    /// <summary>The file's name.</summary>
    public const string FileName = "tokenizer.json";

    /// <summary>How many rows an embedding needs for it: one more than the largest id of the model's vocabulary and the added tokens.</summary>
    /// <param name="path">The file.</param>
    /// <exception cref="AlpacaException">The file is missing or holds no vocabulary with ids.</exception>
    public static int ReadVocabularySize(string path)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(path);
        var json = JsonFile.ReadObject(path);
        var largest = -1;
        foreach (var id in PieceIds(json["model"]?["vocab"]).Concat(AddedIds(json["added_tokens"])))
        {
            largest = Math.Max(largest, id is JsonValue value && value.TryGetValue<int>(out var number) && number >= 0 ? number : throw Malformed(path));
        }

        return largest >= 0 ? largest + 1 : throw Malformed(path);
    }

    // BPE has an object of ids by piece, Unigram a list in the order of the ids.
    private static IEnumerable<JsonNode?> PieceIds(JsonNode? vocabulary) => vocabulary switch
    {
        JsonObject pieces => pieces.Select(p => p.Value),
        JsonArray pieces => [JsonValue.Create(pieces.Count - 1)],
        _ => [],
    };

    private static IEnumerable<JsonNode?> AddedIds(JsonNode? tokens) => (tokens as JsonArray ?? []).Select(t => (t as JsonObject)?["id"]);

    private static AlpacaException Malformed(string path) => new($"{path} holds no vocabulary with an id for each piece; it is damaged or no tokenizer, get it again.");
}
