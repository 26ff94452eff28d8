using System.Text.Json;
using System.Text.Json.Nodes;

namespace Alpaca.Text.Tests;

/// <summary>A tiny Llama 3 vocabulary, and what tiktoken and Hugging Face's tokenizers make of texts with it; made by Fixtures/make_tiktoken_fixtures.js.</summary>
internal sealed record Llama3Fixture(IReadOnlyList<Llama3Fixture.EncodeCase> Encode, IReadOnlyList<Llama3Fixture.DecodeCase> Decode)
{
    private static readonly JsonSerializerOptions Web = new(JsonSerializerDefaults.Web);

    public static string TiktokenPath => Fixture.Path("llama3.tiktoken");

    /// <summary>The special tokens that the tokenizer.json has, after the pieces.</summary>
    public static IReadOnlyList<string> Special { get; } = ["<|begin_of_text|>", "<|end_of_text|>", "<|eot_id|>"];

    public static Llama3Fixture Load() => JsonSerializer.Deserialize<Llama3Fixture>(File.ReadAllBytes(Fixture.Path("llama3.json")), Web)!;

    /// <summary>The vocabulary as Hugging Face publishes it.</summary>
    /// <param name="mergesAreArrays">Whether a merge is <c>["a", "b"]</c>, as in newer files, or <c>"a b"</c>.</param>
    public static JsonObject TokenizerJson(bool mergesAreArrays = false)
    {
        var pieces = TiktokenFile.Read(TiktokenPath);
        var merges = BpeMerges.Of(pieces).Select(merge => mergesAreArrays ? (JsonNode)new JsonArray(merge.Left, merge.Right) : $"{merge.Left} {merge.Right}");
        return new JsonObject
        {
            ["added_tokens"] = new JsonArray([.. Special.Select((content, i) => new JsonObject { ["id"] = pieces.Count + i, ["content"] = content, ["lstrip"] = false, ["rstrip"] = false, ["special"] = true })]),
            ["normalizer"] = null,
            ["pre_tokenizer"] = new JsonObject
            {
                ["type"] = "Sequence",
                ["pretokenizers"] = new JsonArray(
                    new JsonObject { ["type"] = "Split", ["pattern"] = new JsonObject { ["Regex"] = Llama3Words.Pattern }, ["behavior"] = "Isolated", ["invert"] = false },
                    new JsonObject { ["type"] = "ByteLevel", ["add_prefix_space"] = false, ["trim_offsets"] = true, ["use_regex"] = false }),
            },
            ["model"] = new JsonObject
            {
                ["type"] = "BPE",
                ["dropout"] = null,
                ["unk_token"] = null,
                ["byte_fallback"] = false,
                ["ignore_merges"] = true,
                ["vocab"] = new JsonObject(pieces.Select((piece, id) => KeyValuePair.Create(piece, (JsonNode?)id))),
                ["merges"] = new JsonArray([.. merges]),
            },
        };
    }

    internal sealed record EncodeCase(string Text, int[] Tiktoken, int[] Tokenizers);

    internal sealed record DecodeCase(int[] Ids, string Text, string WithSpecial);
}
