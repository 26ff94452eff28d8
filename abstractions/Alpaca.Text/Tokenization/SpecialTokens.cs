using System.Text.Json;
using Alpaca.Abstractions;

namespace Alpaca.Text;

/// <summary>A token that has a meaning besides its text, or that was added after the vocabulary was trained.</summary>
/// <param name="Content">Its text.</param>
/// <param name="Id">Its id.</param>
/// <param name="IsSpecial">Whether it is left out of decoded text.</param>
/// <param name="StripsLeft">Whether spaces before it vanish where it is recognised in text.</param>
/// <param name="StripsRight">Whether spaces after it vanish.</param>
internal sealed record SpecialToken(string Content, int Id, bool IsSpecial, bool StripsLeft, bool StripsRight);

/// <summary>The pieces of a vocabulary, of whichever kind, that special tokens may name.</summary>
/// <param name="Name">The vocabulary's file, for messages.</param>
/// <param name="Count">How many there are; added tokens have ids from there on.</param>
/// <param name="Find">The id of a piece by its text, or -1.</param>
/// <param name="TextOf">The text of a piece.</param>
internal sealed record SpecialTokenVocabulary(string Name, int Count, Func<string, int> Find, Func<int, string> TextOf);

/// <summary>
/// The special and added tokens of a tokenizer: those of the vocabulary itself, and what the <c>special_tokens_map.json</c>, <c>tokenizer_config.json</c>,
/// <c>added_tokens.json</c> and, for the end, <c>generation_config.json</c> of a Hugging Face folder say.
/// </summary>
/// <param name="vocabulary">The pieces.</param>
/// <param name="isLegacy">
/// Whether a token named by its text alone takes the spaces around it, as in Hugging Face's legacy tokenizers for SentencePiece models, but for those of LLaMA's own
/// (beginning, end, unknown); otherwise it keeps what <c>tokenizer.json</c> says of it.
/// </param>
internal sealed class SpecialTokens(SpecialTokenVocabulary vocabulary, bool isLegacy)
{
    private static readonly JsonDocumentOptions Lenient = new() { AllowTrailingCommas = true, CommentHandling = JsonCommentHandling.Skip };

    private readonly Dictionary<string, SpecialToken> _byContent = new(StringComparer.Ordinal);
    private readonly Dictionary<int, SpecialToken> _byId = [];
    private int _highestId = -1;

    /// <summary>The tokens of a SentencePiece model, its control pieces and the unknown piece, and those of its folder, if it has one.</summary>
    /// <exception cref="AlpacaException">A JSON file is damaged or contradicts the model.</exception>
    public static SpecialTokens Of(SentencePieceModel model, Vocabulary vocabulary, string? folder)
    {
        var tokens = new SpecialTokens(new SpecialTokenVocabulary(model.Name, vocabulary.Count, vocabulary.Find, id => model.Pieces[id].Text), isLegacy: true);
        for (var id = 0; id < model.Pieces.Count; id++)
        {
            if (model.Pieces[id].Type is SentencePieceType.Control or SentencePieceType.Unknown) tokens.Add(model.Pieces[id].Text, id, isSpecial: true);
        }
        tokens.BosId = ControlOf(model.Trainer.BosPiece);
        tokens.EosId = ControlOf(model.Trainer.EosPiece);
        tokens.PadId = ControlOf(model.Trainer.PadPiece);
        tokens.UnkId = vocabulary.UnkId;
        if (folder is not null) tokens.ReadFolder(folder);
        return tokens;

        int? ControlOf(string piece) => vocabulary.Find(piece) is >= 0 and var id && model.Pieces[id].Type == SentencePieceType.Control ? id : null;
    }

    public int? BosId { get; private set; }

    public int? EosId { get; private set; }

    public int? UnkId { get; private set; }

    public int? PadId { get; private set; }

    /// <summary>All of them.</summary>
    public IReadOnlyCollection<SpecialToken> All => _byContent.Values;

    /// <summary>The number of ids: pieces, and added tokens after them.</summary>
    public int VocabularySize => Math.Max(vocabulary.Count, _highestId + 1);

    public SpecialToken? Find(int id) => _byId.GetValueOrDefault(id);

    public SpecialToken? Find(string content) => _byContent.GetValueOrDefault(content);

    /// <summary>Reads the JSON files of a folder; each may be missing.</summary>
    /// <exception cref="AlpacaException">A file is damaged or contradicts the vocabulary.</exception>
    public void ReadFolder(string folder)
    {
        ReadJson(Path.Combine(folder, "added_tokens.json"), ReadAddedTokens);
        ReadJson(Path.Combine(folder, "tokenizer_config.json"), ReadAddedTokensDecoder);
        // Where both name a token the map rules: Chinese-Alpaca has "pad_token": null in the configuration and "[PAD]" in the map.
        ReadJson(Path.Combine(folder, "tokenizer_config.json"), ReadNamedTokens);
        ReadJson(Path.Combine(folder, "special_tokens_map.json"), ReadNamedTokens);
        if (EosId is null) ReadJson(Path.Combine(folder, "generation_config.json"), ReadEnd);
    }

    /// <summary><c>"added_tokens": [{"id": 128000, "content": "&lt;|begin_of_text|&gt;", "special": true, ...}]</c> of <c>tokenizer.json</c>.</summary>
    public void ReadAddedTokenList(string file, JsonElement root)
    {
        if (!root.TryGetProperty("added_tokens", out var tokens)) return;
        foreach (var token in tokens.EnumerateArray())
            AddChecked(file, token.GetProperty("content").GetString()!, token.GetProperty("id").GetInt32(), Flag(token, "special"), Flag(token, "lstrip"), Flag(token, "rstrip"));
    }

    /// <summary>Which tokens begin and end a sequence where no file says so.</summary>
    public void SetDefaults(string bos, string eos)
    {
        BosId ??= Find(bos)?.Id;
        EosId ??= Find(eos)?.Id;
    }

    /// <summary><c>"eos_token_id": 128001</c>, or a list, whose first one is taken.</summary>
    private void ReadEnd(string file, JsonElement root)
    {
        if (!root.TryGetProperty("eos_token_id", out var value)) return;
        if (value.ValueKind == JsonValueKind.Array && value.GetArrayLength() > 0) value = value[0];
        if (value.ValueKind == JsonValueKind.Number) EosId = value.GetInt32() is var id && id >= 0 && id < VocabularySize ? id : throw new AlpacaException($"{file} names the end {id}, which is not in {vocabulary.Name}; take both from one model.");
    }

    /// <summary><c>added_tokens.json</c>: <c>{"[PAD]": 49953}</c>.</summary>
    private void ReadAddedTokens(string file, JsonElement root)
    {
        foreach (var entry in root.EnumerateObject().OrderBy(entry => entry.Value.GetInt32())) AddChecked(file, entry.Name, entry.Value.GetInt32(), isSpecial: false);
    }

    /// <summary>Newer <c>tokenizer_config.json</c>: <c>"added_tokens_decoder": {"49953": {"content": "[PAD]", "special": true, ...}}</c>.</summary>
    private void ReadAddedTokensDecoder(string file, JsonElement root)
    {
        if (!root.TryGetProperty("added_tokens_decoder", out var decoder)) return;
        foreach (var entry in decoder.EnumerateObject())
        {
            if (!int.TryParse(entry.Name, out var id)) throw new AlpacaException($"{file}: '{entry.Name}' under added_tokens_decoder is not a token id; correct it.");
            AddChecked(file, entry.Value.GetProperty("content").GetString()!, id, Flag(entry.Value, "special"), Flag(entry.Value, "lstrip"), Flag(entry.Value, "rstrip"));
        }
    }

    /// <summary><c>"bos_token": "&lt;s&gt;"</c> or <c>"bos_token": {"content": "&lt;s&gt;", ...}</c>, in either of the two files.</summary>
    private void ReadNamedTokens(string file, JsonElement root)
    {
        BosId = Named("bos_token") ?? BosId;
        EosId = Named("eos_token") ?? EosId;
        UnkId = Named("unk_token") ?? UnkId;
        PadId = Named("pad_token", stripsByDefault: true) ?? PadId;
        foreach (var name in (ReadOnlySpan<string>)["sep_token", "cls_token", "mask_token"]) Named(name, stripsByDefault: true);
        if (root.TryGetProperty("additional_special_tokens", out var additional) && additional.ValueKind == JsonValueKind.Array)
        {
            foreach (var token in additional.EnumerateArray()) AddToken(token, stripsByDefault: true);
        }

        int? Named(string name, bool stripsByDefault = false)
            => root.TryGetProperty(name, out var token) && token.ValueKind is JsonValueKind.String or JsonValueKind.Object ? AddToken(token, stripsByDefault) : null;

        int AddToken(JsonElement token, bool stripsByDefault)
        {
            var isObject = token.ValueKind == JsonValueKind.Object;
            var content = (isObject ? token.GetProperty("content") : token).GetString()!;
            if (content.Length == 0) throw new AlpacaException($"{file} names an empty special token; give it a text or remove it.");
            var id = _byContent.TryGetValue(content, out var known) ? known.Id : vocabulary.Find(content) is >= 0 and var piece ? piece : VocabularySize;
            var (stripsLeft, stripsRight) = isObject ? (Flag(token, "lstrip"), Flag(token, "rstrip")) : isLegacy ? (stripsByDefault, stripsByDefault) : (known?.StripsLeft ?? false, known?.StripsRight ?? false);
            return Add(content, id, isSpecial: true, stripsLeft, stripsRight).Id;
        }
    }

    private static bool Flag(JsonElement token, string name) => token.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.True;

    private void AddChecked(string file, string content, int id, bool isSpecial, bool stripsLeft = false, bool stripsRight = false)
    {
        if (id < 0) throw new AlpacaException($"{file} gives the token '{content}' the id {id}; ids begin at 0, correct it.");
        var there = id < vocabulary.Count ? vocabulary.TextOf(id) : _byId.GetValueOrDefault(id)?.Content;
        if (there is not null && there != content)
            throw new AlpacaException(
                $"{file} gives the token '{content}' the id {id}, but that is '{there}' in {vocabulary.Name}; the files do not belong together, take all from one tokenizer.");
        if (vocabulary.Find(content) is >= 0 and var piece && piece != id)
            throw new AlpacaException(
                $"{file} gives the token '{content}' the id {id}, but it is piece {piece} of {vocabulary.Name}; the files do not belong together, take all from one tokenizer.");
        // An id far beyond the vocabulary would make every table of that size.
        if (id >= vocabulary.Count + (1 << 16))
            throw new AlpacaException($"{file} gives the token '{content}' the id {id}, far beyond the {vocabulary.Count} pieces of {vocabulary.Name}; correct the id.");
        Add(content, id, isSpecial, stripsLeft, stripsRight);
    }

    /// <summary>Adds a token, or changes how it is treated.</summary>
    public SpecialToken Add(string content, int id, bool isSpecial, bool stripsLeft = false, bool stripsRight = false)
    {
        var token = new SpecialToken(content, id, isSpecial || (_byContent.TryGetValue(content, out var known) && known.IsSpecial), stripsLeft, stripsRight);
        _byContent[content] = token;
        _byId[id] = token;
        _highestId = Math.Max(_highestId, id);
        return token;
    }

    /// <summary>Reads a JSON object, if the file is there; whatever it is not made as it should be becomes one error that names the file.</summary>
    /// <exception cref="AlpacaException">It is damaged.</exception>
    public static void ReadJson(string file, Action<string, JsonElement> read)
    {
        if (!File.Exists(file)) return;
        try
        {
            using var document = JsonDocument.Parse(File.ReadAllBytes(file), Lenient);
            if (document.RootElement.ValueKind != JsonValueKind.Object) throw new AlpacaException($"{file} is not a JSON object; take the tokenizer's own file.");
            read(file, document.RootElement);
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException or KeyNotFoundException or FormatException)
        {
            throw new AlpacaException($"{file} cannot be read as a tokenizer's JSON ({e.Message}); take the tokenizer's own file or delete it.", e);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new AlpacaException($"{file} cannot be read: {e.Message}", e);
        }
    }
}
