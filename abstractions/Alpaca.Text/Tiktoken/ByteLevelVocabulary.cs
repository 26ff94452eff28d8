using System.Text.Json;
using Alpaca.Abstractions;

namespace Alpaca.Text;

/// <summary>The vocabulary of byte-level byte-pair encoding: pieces of bytes, and which two make a third.</summary>
/// <param name="Name">The file, for messages.</param>
/// <param name="Pieces">The pieces by id, written in <see cref="ByteAlphabet"/>; every single byte is among them.</param>
/// <param name="Ids">The ids of the pieces.</param>
/// <param name="Merges">Pairs of ids, what they become, and when: the lowest rank first, the leftmost of equals.</param>
/// <param name="TakesWholeWords">Whether a word that is a piece is that piece, even where merging would not arrive at it.</param>
internal sealed record ByteLevelVocabulary(
    string Name, IReadOnlyList<string> Pieces, Dictionary<string, int> Ids, IReadOnlyList<(int Left, int Right, int Whole, int Rank)> Merges, bool TakesWholeWords)
{
    /// <summary>Reads a tiktoken file: two pieces merge if their union is one, which has the rank.</summary>
    /// <exception cref="AlpacaException">The file is damaged.</exception>
    public static ByteLevelVocabulary ReadTiktoken(string file)
    {
        var pieces = TiktokenFile.Read(file);
        var ids = Index(pieces);
        var merges = BpeMerges.Of(pieces).Select(merge => (Left: ids[merge.Left], Right: ids[merge.Right], Whole: ids[merge.Left + merge.Right])).Select(merge => (merge.Left, merge.Right, merge.Whole, merge.Whole));
        return new ByteLevelVocabulary(file, pieces, ids, [.. merges], TakesWholeWords: true);
    }

    /// <summary>Reads the parts of a <c>tokenizer.json</c> that this is made of: the list of merges says which pairs merge, and in which order.</summary>
    /// <exception cref="AlpacaException">It is of another kind than Llama 3's; the message says what is not supported.</exception>
    /// <exception cref="InvalidOperationException">A value is of another type than the format has it.</exception>
    /// <exception cref="KeyNotFoundException">A part is missing.</exception>
    public static ByteLevelVocabulary ReadTokenizerJson(string file, JsonElement root)
    {
        var model = root.GetProperty("model");
        ThrowIfUnsupported(file, root, model);
        var pieces = ReadPieces(file, model.GetProperty("vocab"));
        var ids = Index(pieces);
        for (var value = 0; value < 256; value++)
        {
            if (!ids.ContainsKey(ByteAlphabet.Encode((byte)value).ToString())) throw Damaged(file, $"the byte {value} is no piece");
        }
        var merges = new List<(int, int, int, int)>();
        foreach (var merge in model.GetProperty("merges").EnumerateArray())
        {
            var (left, right) = merge.ValueKind == JsonValueKind.Array ? (merge[0].GetString()!, merge[1].GetString()!) : Cut(merge.GetString()!);
            if (!ids.TryGetValue(left, out var leftId) || !ids.TryGetValue(right, out var rightId) || !ids.TryGetValue(left + right, out var whole))
                throw Damaged(file, $"merge {merges.Count} of '{left}' and '{right}' is of no piece or into none");
            merges.Add((leftId, rightId, whole, merges.Count));
        }
        return new ByteLevelVocabulary(file, pieces, ids, merges, model.TryGetProperty("ignore_merges", out var ignore) && ignore.GetBoolean());

        (string, string) Cut(string merge) => merge.IndexOf(' ') is > 0 and var space ? (merge[..space], merge[(space + 1)..]) : throw Damaged(file, $"'{merge}' is no merge of two pieces");
    }

    private static Dictionary<string, int> Index(IReadOnlyList<string> pieces) => pieces.Select((piece, id) => (piece, id)).ToDictionary(p => p.piece, p => p.id, StringComparer.Ordinal);

    private static string[] ReadPieces(string file, JsonElement vocabulary)
    {
        var pieces = new string[vocabulary.EnumerateObject().Count()];
        foreach (var entry in vocabulary.EnumerateObject())
        {
            if (!entry.Value.TryGetInt32(out var id) || id < 0 || id >= pieces.Length || pieces[id] is not null) throw Damaged(file, $"the piece '{entry.Name}' has the id {entry.Value}, which is taken or not below {pieces.Length}");
            pieces[id] = entry.Name.Length > 0 && ByteAlphabet.Decode(entry.Name) is not null ? entry.Name : throw Damaged(file, $"the piece '{entry.Name}' is not written in the alphabet of bytes");
        }
        return pieces;
    }

    private static void ThrowIfUnsupported(string file, JsonElement root, JsonElement model)
    {
        if (model.TryGetProperty("type", out var type) && type.GetString() != "BPE") throw Unsupported($"a model of the type {type}");
        if (model.TryGetProperty("byte_fallback", out var fallback) && fallback.ValueKind == JsonValueKind.True)
            throw new AlpacaException($"{file} is a SentencePiece vocabulary without its {ModelTokenizer.ModelFileName}, which alone is read; add the original {ModelTokenizer.ModelFileName} to the folder.");
        foreach (var name in (ReadOnlySpan<string>)["dropout", "unk_token", "continuing_subword_prefix", "end_of_word_suffix"])
        {
            if (model.TryGetProperty(name, out var value) && value.ValueKind != JsonValueKind.Null && value.ToString() is not ("" or "0" or "0.0"))
                throw Unsupported($"the setting {name} {value}");
        }
        if (root.TryGetProperty("normalizer", out var normalizer) && normalizer.ValueKind != JsonValueKind.Null) throw Unsupported($"the normalizer {TypeOf(normalizer)}");
        if (!IsLlama3(root)) throw Unsupported("a pre-tokenizer other than Llama 3's");

        AlpacaException Unsupported(string what) => new($"{file} has {what}, which is not supported; use a model with Llama 3's byte-level BPE or with a SentencePiece {ModelTokenizer.ModelFileName}.");
    }

    /// <summary>Whether words are cut by <see cref="Llama3Words.Pattern"/>, each by itself, and nothing else is done to them.</summary>
    private static bool IsLlama3(JsonElement root)
        => root.TryGetProperty("pre_tokenizer", out var pre) && pre.ValueKind == JsonValueKind.Object && TypeOf(pre) == "Sequence"
            && pre.GetProperty("pretokenizers") is { ValueKind: JsonValueKind.Array } steps && steps.GetArrayLength() == 2
            && TypeOf(steps[0]) == "Split" && steps[0].GetProperty("pattern").TryGetProperty("Regex", out var pattern) && pattern.ValueEquals(Llama3Words.Pattern)
            && steps[0].GetProperty("behavior").ValueEquals("Isolated") && steps[0].GetProperty("invert").ValueKind == JsonValueKind.False
            && TypeOf(steps[1]) == "ByteLevel" && steps[1].GetProperty("add_prefix_space").ValueKind == JsonValueKind.False
            && steps[1].TryGetProperty("use_regex", out var usesRegex) && usesRegex.ValueKind == JsonValueKind.False;

    private static string? TypeOf(JsonElement part) => part.GetProperty("type").GetString();

    private static AlpacaException Damaged(string file, string what) => new($"{file} is damaged: {what}; get it again.");
}
