using System.Globalization;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using Alpaca.Abstractions;
using Alpaca.Text;

namespace Alpaca.Convert;

/// <summary>Writes a tiktoken vocabulary as Hugging Face's <c>tokenizer.json</c> and its companions, as transformers' <c>TikTokenConverter</c> makes them for Llama 3.</summary>
internal static class Llama3TokenizerWriter
{
    private static readonly JsonSerializerOptions Indented = new() { WriteIndented = true, IndentSize = 2, NewLine = "\n", Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>Writes <c>tokenizer.json</c>, <c>tokenizer_config.json</c> and <c>special_tokens_map.json</c>.</summary>
    /// <param name="folder">The folder; it exists.</param>
    /// <param name="pieces">The pieces, in the order of their ranks.</param>
    /// <param name="version">Which special tokens follow them.</param>
    /// <param name="contextLength">The longest sequence.</param>
    /// <exception cref="AlpacaException">A file cannot be written.</exception>
    public static void Write(string folder, IReadOnlyList<string> pieces, LlamaVersion version, int contextLength)
    {
        var special = version == LlamaVersion.Llama3 ? Llama3SpecialTokens.Llama3 : Llama3SpecialTokens.Llama31;
        try
        {
            using (var file = File.Create(Path.Combine(folder, "tokenizer.json")))
            {
                JsonSerializer.Serialize(file, Tokenizer(pieces, special), Indented);
            }

            Save(folder, "tokenizer_config.json", Config(pieces.Count, special, contextLength));
            Save(folder, "special_tokens_map.json", new JsonObject { ["bos_token"] = Token(Llama3SpecialTokens.BeginOfText), ["eos_token"] = Token(Llama3SpecialTokens.EndOfText) });
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new AlpacaException($"The tokenizer cannot be written to {folder} ({e.Message}); make room on the disk or choose another folder.", e);
        }
    }

    private static void Save(string folder, string name, JsonObject json) => File.WriteAllText(Path.Combine(folder, name), json.ToJsonString(Indented) + "\n");

    private static JsonObject Tokenizer(IReadOnlyList<string> pieces, IReadOnlyList<string> special)
    {
        var beginId = pieces.Count;
        return new JsonObject
        {
            ["version"] = "1.0",
            ["truncation"] = null,
            ["padding"] = null,
            ["added_tokens"] = new JsonArray([.. special.Select((token, i) => AddedToken(token, beginId + i))]),
            ["normalizer"] = null,
            ["pre_tokenizer"] = Sequence(
                "pretokenizers",
                new JsonObject { ["type"] = "Split", ["pattern"] = new JsonObject { ["Regex"] = Llama3Words.Pattern }, ["behavior"] = "Isolated", ["invert"] = false },
                ByteLevel(addPrefixSpace: false, trimOffsets: true, useRegex: false)),
            ["post_processor"] = Sequence("processors", ByteLevel(addPrefixSpace: true, trimOffsets: false, useRegex: true), BeginTemplate(beginId)),
            ["decoder"] = ByteLevel(addPrefixSpace: true, trimOffsets: true, useRegex: true),
            ["model"] = Model(pieces),
        };
    }

    private static JsonObject Model(IReadOnlyList<string> pieces) => new()
    {
        ["type"] = "BPE",
        ["dropout"] = null,
        ["unk_token"] = null,
        ["continuing_subword_prefix"] = null,
        ["end_of_word_suffix"] = null,
        ["fuse_unk"] = false,
        ["byte_fallback"] = false,
        // A word that is a piece is that piece, even where merging would not arrive at it; so tiktoken has it.
        ["ignore_merges"] = true,
        ["vocab"] = new JsonObject(pieces.Select((piece, rank) => KeyValuePair.Create(piece, (JsonNode?)rank))),
        ["merges"] = new JsonArray([.. BpeMerges.Of(pieces).Select(merge => (JsonNode)$"{merge.Left} {merge.Right}")]),
    };

    // <|begin_of_text|> before each text.
    private static JsonObject BeginTemplate(int beginId)
    {
        const string Begin = Llama3SpecialTokens.BeginOfText;
        return new JsonObject
        {
            ["type"] = "TemplateProcessing",
            ["single"] = new JsonArray(Special(0), Text("A", 0)),
            ["pair"] = new JsonArray(Special(0), Text("A", 0), Special(1), Text("B", 1)),
            ["special_tokens"] = new JsonObject { [Begin] = new JsonObject { ["id"] = Begin, ["ids"] = new JsonArray(beginId), ["tokens"] = new JsonArray(Begin) } },
        };

        static JsonObject Special(int type) => new() { ["SpecialToken"] = new JsonObject { ["id"] = Begin, ["type_id"] = type } };

        static JsonObject Text(string id, int type) => new() { ["Sequence"] = new JsonObject { ["id"] = id, ["type_id"] = type } };
    }

    private static JsonObject Sequence(string key, params JsonNode[] members) => new() { ["type"] = "Sequence", [key] = new JsonArray(members) };

    private static JsonObject ByteLevel(bool addPrefixSpace, bool trimOffsets, bool useRegex) =>
        new() { ["type"] = "ByteLevel", ["add_prefix_space"] = addPrefixSpace, ["trim_offsets"] = trimOffsets, ["use_regex"] = useRegex };

    private static JsonObject AddedToken(string content, int id) =>
        new() { ["id"] = id, ["content"] = content, ["single_word"] = false, ["lstrip"] = false, ["rstrip"] = false, ["normalized"] = false, ["special"] = true };

    private static JsonObject Token(string content) =>
        new() { ["content"] = content, ["lstrip"] = false, ["normalized"] = false, ["rstrip"] = false, ["single_word"] = false };

    private static JsonObject Config(int pieces, IReadOnlyList<string> special, int contextLength) => new()
    {
        ["added_tokens_decoder"] = new JsonObject(special.Select((content, i) =>
        {
            var token = Token(content);
            token["special"] = true;
            return KeyValuePair.Create((pieces + i).ToString(CultureInfo.InvariantCulture), (JsonNode?)token);
        })),
        ["bos_token"] = Llama3SpecialTokens.BeginOfText,
        ["chat_template"] = PromptTemplate.Get("llama3").ToJinja(),
        ["clean_up_tokenization_spaces"] = true,
        ["eos_token"] = Llama3SpecialTokens.EndOfText,
        ["model_input_names"] = new JsonArray("input_ids", "attention_mask"),
        ["model_max_length"] = contextLength,
        ["tokenizer_class"] = "PreTrainedTokenizerFast",
    };
}
