using System.Runtime.InteropServices;
using System.Text.Encodings.Web;
using System.Text.Json;
using Alpaca.Abstractions;

namespace Alpaca.Text;

/// <summary>A SentencePiece byte-pair model in the form of Hugging Face's tokenizers library: what <c>tokenizer.json</c> holds.</summary>
/// <remarks>
/// SentencePiece takes the leftmost of equal scores, the library gives each merge a rank of its own. Where pieces share the highest score, as all pieces added to LLaMA's do, a
/// pre-tokenizer cuts them out as leftmost-first merging would; among the other equal scores the order of the merges comes as close as an order can.
/// </remarks>
public sealed class FastTokenizer
{
    /// <summary>The file's name in a tokenizer folder.</summary>
    public const string FileName = "tokenizer.json";

    private static readonly JsonWriterOptions Indented = new() { Indented = true, IndentSize = 2, NewLine = "\n", Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    private readonly SentencePieceModel _model;
    private readonly List<PieceMerge> _merges;
    private readonly string? _pattern;

    private FastTokenizer(SentencePieceModel model, IReadOnlyDictionary<string, double>? frequencies)
    {
        _model = model;
        var vocabulary = new Vocabulary(model);
        var isolated = new IsolatedPieces(model, vocabulary);
        _pattern = isolated.Pattern();
        _merges = PieceMerge.AllOf(model, vocabulary);
        Arrange(frequencies, isolated);
        SpoiltPieces = CountSpoilt(isolated, vocabulary);
        EqualScorePieces = isolated.Munched.Count;
        OrderedPieces = isolated.Munched.Count - isolated.Isolated.Count;
    }

    /// <summary>How many pieces with the highest score text can become by merging those alone.</summary>
    public int EqualScorePieces { get; }

    /// <summary>Those of <see cref="EqualScorePieces"/> for which only the order of the merges stands in for "leftmost first", because later merges may join them.</summary>
    public int OrderedPieces { get; }

    /// <summary>How many pairs of overlapping merges of equal score ask for an order.</summary>
    public long OrderDemands { get; private set; }

    /// <summary>Those of <see cref="OrderDemands"/> that contradict others and are not met. The pattern decides most of them before they arise.</summary>
    public long BrokenOrderDemands { get; private set; }

    /// <summary>How many pieces that are cut out are not put together again, because the order they need contradicts that of others.</summary>
    public int SpoiltPieces { get; }

    /// <summary>Why a model cannot be written in this form so that it gives the same ids; <see langword="null"/> if it can.</summary>
    /// <param name="model">The model.</param>
    public static string? WhyNot(SentencePieceModel model)
    {
        ArgumentNullException.ThrowIfNull(model);
        try
        {
            _ = new Vocabulary(model);
        }
        catch (AlpacaException e)
        {
            return e.Message.TrimEnd('.');
        }
        return model.Trainer.ModelType != SentencePieceModelType.Bpe ? $"it is a {model.Trainer.ModelType} model"
            : model.Trainer.TreatWhitespaceAsSuffix ? "its pieces end with the space mark"
            : model.Normalizer.CharsMapLength > 0 || model.Normalizer.RemoveExtraWhitespaces || !model.Normalizer.EscapeWhitespaces ? "it normalises text"
            : model.Pieces.Any(piece => piece.Type is SentencePieceType.UserDefined or SentencePieceType.Unused) ? "it has user-defined or unused pieces"
            : null;
    }

    /// <summary>Brings a model into the form.</summary>
    /// <param name="model">A model for which <see cref="WhyNot"/> has no reason.</param>
    /// <param name="frequencies">How often pieces are expected in text, in any unit; those not in it count as the rarest. The default is none: all are as frequent.</param>
    /// <exception cref="AlpacaException">The model cannot be written in this form.</exception>
    public static FastTokenizer Of(SentencePieceModel model, IReadOnlyDictionary<string, double>? frequencies = null)
    {
        ArgumentNullException.ThrowIfNull(model);
        return WhyNot(model) is { } reason
            ? throw new AlpacaException($"{model.Name} cannot become a {FileName}, because {reason}; use its {LlamaTokenizer.ModelFileName}.")
            : new FastTokenizer(model, frequencies);
    }

    /// <summary>Writes the file.</summary>
    /// <param name="stream">Where to.</param>
    /// <param name="padToken">A piece that is the padding token besides the model's control pieces. The default is none.</param>
    public void Write(Stream stream, string? padToken = null)
    {
        ArgumentNullException.ThrowIfNull(stream);
        using var json = new Utf8JsonWriter(stream, Indented);
        json.WriteStartObject();
        json.WriteString("version", "1.0");
        json.WriteNull("truncation");
        json.WriteNull("padding");
        WriteAddedTokens(json, padToken);
        WriteNormalizer(json);
        WritePreTokenizer(json);
        WritePostProcessor(json);
        WriteDecoder(json);
        WriteModel(json);
        json.WriteEndObject();
    }

    private void Arrange(IReadOnlyDictionary<string, double>? frequencies, IsolatedPieces isolated)
    {
        var rarest = frequencies is { Count: > 0 } ? frequencies.Values.Min() : 1;
        var decisive = isolated.DecisiveOrders().ToHashSet();
        var merges = CollectionsMarshal.AsSpan(_merges);
        for (var (start, end) = (0, 0); start < merges.Length; start = end)
        {
            while (end < merges.Length && _model.Pieces[merges[end].Result].Score == _model.Pieces[merges[start].Result].Score) end++;
            if (end - start == 1) continue;
            var (demands, broken) = LeftmostOrder.Arrange(merges[start..end], FrequencyOf, IsDecisive);
            (OrderDemands, BrokenOrderDemands) = (OrderDemands + demands, BrokenOrderDemands + broken);
        }

        double FrequencyOf(int id) => frequencies?.GetValueOrDefault(TextOf(id), rarest) ?? 1;

        bool IsDecisive(PieceMerge first, PieceMerge second) => decisive.Contains((TextOf(first.Result), TextOf(first.Right).Length, TextOf(second.Result)));
    }

    /// <summary>Merges each cut-out piece by ranks, as the library does.</summary>
    private int CountSpoilt(IsolatedPieces isolated, Vocabulary vocabulary)
    {
        var ranks = new Dictionary<(int Left, int Right), int>(_merges.Count);
        for (var rank = 0; rank < _merges.Count; rank++) ranks.Add((_merges[rank].Left, _merges[rank].Right), rank);
        return isolated.Isolated.Count(piece => !ComesOutWhole(piece));

        bool ComesOutWhole(string piece)
        {
            var symbols = piece.EnumerateRunes().Select(rune => vocabulary.Find(rune.ToString())).ToList();
            while (symbols.Count > 1)
            {
                var (best, at) = (int.MaxValue, -1);
                for (var i = 0; i + 1 < symbols.Count; i++)
                {
                    if (ranks.TryGetValue((symbols[i], symbols[i + 1]), out var rank) && rank < best) (best, at) = (rank, i);
                }
                if (at < 0) return false;
                symbols[at] = _merges[best].Result;
                symbols.RemoveAt(at + 1);
            }
            return true;
        }
    }

    private string TextOf(int id) => _model.Pieces[id].Text;

    private void WriteAddedTokens(Utf8JsonWriter json, string? padToken)
    {
        json.WriteStartArray("added_tokens");
        for (var id = 0; id < _model.Pieces.Count; id++)
        {
            var piece = _model.Pieces[id];
            if (piece.Type is not (SentencePieceType.Control or SentencePieceType.Unknown) && piece.Text != padToken) continue;
            json.WriteStartObject();
            json.WriteNumber("id", id);
            json.WriteString("content", piece.Text);
            json.WriteBoolean("single_word", false);
            json.WriteBoolean("lstrip", false);
            json.WriteBoolean("rstrip", false);
            // Found in the text as it is: after normalising, only with a space before it.
            json.WriteBoolean("normalized", false);
            json.WriteBoolean("special", true);
            json.WriteEndObject();
        }
        json.WriteEndArray();
    }

    private void WriteNormalizer(Utf8JsonWriter json)
    {
        json.WriteStartObject("normalizer");
        json.WriteString("type", "Sequence");
        json.WriteStartArray("normalizers");
        if (_model.Normalizer.AddDummyPrefix) WriteObject(json, ("type", "Prepend"), ("prepend", "▁"));
        WriteReplace(json, " ", "▁");
        json.WriteEndArray();
        json.WriteEndObject();
    }

    private void WritePreTokenizer(Utf8JsonWriter json)
    {
        if (_pattern is null)
        {
            json.WriteNull("pre_tokenizer");
            return;
        }
        json.WriteStartObject("pre_tokenizer");
        json.WriteString("type", "Split");
        json.WriteStartObject("pattern");
        json.WriteString("Regex", _pattern);
        json.WriteEndObject();
        json.WriteString("behavior", "Isolated");
        json.WriteBoolean("invert", false);
        json.WriteEndObject();
    }

    private void WritePostProcessor(Utf8JsonWriter json)
    {
        var bos = _model.Trainer.BosPiece;
        var id = Enumerable.Range(0, _model.Pieces.Count).FirstOrDefault(i => _model.Pieces[i] is { Type: SentencePieceType.Control } piece && piece.Text == bos, -1);
        if (id < 0)
        {
            json.WriteNull("post_processor");
            return;
        }
        json.WriteStartObject("post_processor");
        json.WriteString("type", "TemplateProcessing");
        WriteTemplate("single", ("A", 0));
        WriteTemplate("pair", ("A", 0), ("B", 1));
        json.WriteStartObject("special_tokens");
        json.WriteStartObject(bos);
        json.WriteString("id", bos);
        json.WriteStartArray("ids");
        json.WriteNumberValue(id);
        json.WriteEndArray();
        json.WriteStartArray("tokens");
        json.WriteStringValue(bos);
        json.WriteEndArray();
        json.WriteEndObject();
        json.WriteEndObject();
        json.WriteEndObject();

        void WriteTemplate(string name, params ReadOnlySpan<(string Sequence, int Type)> parts)
        {
            json.WriteStartArray(name);
            foreach (var (sequence, type) in parts)
            {
                WritePart("SpecialToken", bos, type);
                WritePart("Sequence", sequence, type);
            }
            json.WriteEndArray();
        }

        void WritePart(string kind, string part, int type)
        {
            json.WriteStartObject();
            json.WriteStartObject(kind);
            json.WriteString("id", part);
            json.WriteNumber("type_id", type);
            json.WriteEndObject();
            json.WriteEndObject();
        }
    }

    private void WriteDecoder(Utf8JsonWriter json)
    {
        json.WriteStartObject("decoder");
        json.WriteString("type", "Sequence");
        json.WriteStartArray("decoders");
        WriteReplace(json, "▁", " ");
        WriteObject(json, ("type", "ByteFallback"));
        WriteObject(json, ("type", "Fuse"));
        if (_model.Normalizer.AddDummyPrefix)
        {
            json.WriteStartObject();
            json.WriteString("type", "Strip");
            json.WriteString("content", " ");
            json.WriteNumber("start", 1);
            json.WriteNumber("stop", 0);
            json.WriteEndObject();
        }
        json.WriteEndArray();
        json.WriteEndObject();
    }

    private void WriteModel(Utf8JsonWriter json)
    {
        json.WriteStartObject("model");
        json.WriteString("type", "BPE");
        json.WriteNull("dropout");
        json.WriteString("unk_token", _model.Pieces.First(piece => piece.Type == SentencePieceType.Unknown).Text);
        json.WriteNull("continuing_subword_prefix");
        json.WriteNull("end_of_word_suffix");
        json.WriteBoolean("fuse_unk", true);
        json.WriteBoolean("byte_fallback", _model.Trainer.ByteFallback);
        json.WriteStartObject("vocab");
        for (var id = 0; id < _model.Pieces.Count; id++) json.WriteNumber(_model.Pieces[id].Text, id);
        json.WriteEndObject();
        // Two words in a string, which every version of the library reads, unless a piece has a space in it.
        var asPairs = _merges.Exists(merge => _model.Pieces[merge.Result].Text.Contains(' ', StringComparison.Ordinal));
        json.WriteStartArray("merges");
        foreach (var merge in _merges)
        {
            var (left, right) = (_model.Pieces[merge.Left].Text, _model.Pieces[merge.Right].Text);
            if (!asPairs)
            {
                json.WriteStringValue($"{left} {right}");
                continue;
            }
            json.WriteStartArray();
            json.WriteStringValue(left);
            json.WriteStringValue(right);
            json.WriteEndArray();
        }
        json.WriteEndArray();
        json.WriteEndObject();
    }

    private static void WriteReplace(Utf8JsonWriter json, string from, string to)
    {
        json.WriteStartObject();
        json.WriteString("type", "Replace");
        json.WriteStartObject("pattern");
        json.WriteString("String", from);
        json.WriteEndObject();
        json.WriteString("content", to);
        json.WriteEndObject();
    }

    private static void WriteObject(Utf8JsonWriter json, params ReadOnlySpan<(string Name, string Value)> properties)
    {
        json.WriteStartObject();
        foreach (var (name, value) in properties) json.WriteString(name, value);
        json.WriteEndObject();
    }
}
