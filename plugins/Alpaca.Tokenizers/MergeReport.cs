using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;
using System.Text.RegularExpressions;
using Alpaca.Text;

namespace Alpaca.Tokenizers;

/// <summary>What a merge changed, as <c>merge_report.json</c> has it.</summary>
/// <param name="Pieces">The vocabulary.</param>
/// <param name="Reachability">Whether text becomes the added pieces.</param>
/// <param name="Text">The text both tokenizers were tried on.</param>
/// <param name="English">Its English words.</param>
/// <param name="FastTokenizer"><c>tokenizer.json</c>; <see langword="null"/> if there is none.</param>
internal sealed record MergeReport(PieceCounts Pieces, Reachability Reachability, TextChange Text, EnglishChange English, FastTokenizerReport? FastTokenizer)
{
    public const string FileName = "merge_report.json";

    private const int MaxExamples = 20;

    private static readonly Regex EnglishWord = new("(?<![A-Za-z])[A-Za-z]+(?![A-Za-z])", RegexOptions.CultureInvariant);

    private static readonly MergeReportJson Json = new(new JsonSerializerOptions(JsonSerializerDefaults.Web) { WriteIndented = true, NewLine = "\n", Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping });

    /// <summary>Compares two tokenizers.</summary>
    /// <param name="before">The base tokenizer.</param>
    /// <param name="merge">What was merged.</param>
    /// <param name="after">The merged tokenizer.</param>
    /// <param name="padToken">The padding piece; it is no text, and so not unreachable.</param>
    /// <param name="fast">What is in <c>tokenizer.json</c>.</param>
    /// <param name="text">What to try them on.</param>
    public static MergeReport Of(LlamaTokenizer before, VocabularyMerge merge, LlamaTokenizer after, string? padToken, FastTokenizer? fast, string text)
    {
        var (basis, total) = (before.Model.Pieces.Count, merge.Model.Pieces.Count);
        var added = Enumerable.Range(basis, total - basis).Where(id => merge.Model.Pieces[id].Text != padToken).ToList();
        var unreachable = PieceReachability.FindUnreachable(merge.Model, basis).Intersect(added).Select(id => merge.Model.Pieces[id].Text).ToList();
        var reachableAlone = added.Count(id => after.Encode(merge.Model.Pieces[id].Text.Replace('▁', ' ').Trim()).Contains(id));
        var characters = text.EnumerateRunes().Count();
        var (tokensBefore, tokensAfter) = (before.Encode(text).Count, after.Encode(text).Count);
        return new MergeReport(
            new PieceCounts(basis, merge.Added, merge.Duplicates, merge.Extra, merge.KnownExtra, total - basis - merge.Added - merge.Extra, total),
            new Reachability(added.Count, reachableAlone, unreachable.Count, [.. unreachable.Take(MaxExamples)]),
            new TextChange(characters, tokensBefore, tokensAfter, Ratio(tokensBefore, characters), Ratio(tokensAfter, characters)),
            Compare(before, after, text),
            fast is null ? null : new FastTokenizerReport(fast.EqualScorePieces, fast.OrderedPieces, fast.SpoiltPieces, fast.OrderDemands, fast.BrokenOrderDemands));
    }

    /// <summary>Writes the report.</summary>
    public void Save(string folder) => File.WriteAllText(Path.Combine(folder, FileName), JsonSerializer.Serialize(this, Json.MergeReport) + "\n");

    private static EnglishChange Compare(LlamaTokenizer before, LlamaTokenizer after, string text)
    {
        var (words, changed, tokensBefore, tokensAfter) = (0, 0, 0, 0);
        var examples = new Dictionary<string, WordChange>(StringComparer.Ordinal);
        foreach (Match word in EnglishWord.Matches(text))
        {
            // By itself a word gets a space before it, as it mostly has in a text.
            var (old, now) = (before.Encode(word.Value), after.Encode(word.Value));
            words++;
            tokensBefore += old.Count;
            tokensAfter += now.Count;
            if (old.SequenceEqual(now)) continue;
            changed++;
            if (examples.Count < MaxExamples) examples.TryAdd(word.Value, new WordChange(word.Value, Pieces(before, old), Pieces(after, now)));
        }
        return new EnglishChange(words, changed, Ratio(changed, words), tokensBefore, tokensAfter, [.. examples.Values]);

        static IReadOnlyList<string> Pieces(LlamaTokenizer tokenizer, IReadOnlyList<int> ids) => [.. ids.Select(id => tokenizer.PieceOf(id)!)];
    }

    private static double Ratio(int part, int whole) => whole == 0 ? 0 : Math.Round((double)part / whole, 4);
}

/// <summary>How the vocabulary grew.</summary>
/// <param name="Base">Pieces of the base model.</param>
/// <param name="Added">Pieces of the other models that were appended.</param>
/// <param name="Duplicates">Pieces of the other models that were known already.</param>
/// <param name="Extra">Extra pieces that were appended.</param>
/// <param name="KnownExtra">Extra pieces that were known already.</param>
/// <param name="Padding">1 if a padding piece was appended, or else 0.</param>
/// <param name="Total">Pieces of the merged model.</param>
internal sealed record PieceCounts(int Base, int Added, int Duplicates, int Extra, int KnownExtra, int Padding, int Total);

/// <summary>Whether text becomes the added pieces, padding left out.</summary>
/// <param name="Added">The added pieces.</param>
/// <param name="ReachableAlone">Those among the tokens of a text that is the piece alone. The space put before such a text may be merged with its beginning first.</param>
/// <param name="Unreachable">Those that do not come out of their own characters even without that space: no sequence of merges leads to them, or others come first.</param>
/// <param name="Examples">Some of the unreachable ones.</param>
internal sealed record Reachability(int Added, int ReachableAlone, int Unreachable, IReadOnlyList<string> Examples);

/// <summary>The length of a text in tokens.</summary>
/// <param name="Characters">Unicode characters.</param>
/// <param name="TokensBefore">Tokens of the base model.</param>
/// <param name="TokensAfter">Tokens of the merged model.</param>
/// <param name="TokensPerCharacterBefore">Their ratio before.</param>
/// <param name="TokensPerCharacterAfter">Their ratio after.</param>
internal sealed record TextChange(int Characters, int TokensBefore, int TokensAfter, double TokensPerCharacterBefore, double TokensPerCharacterAfter);

/// <summary>English words that have other tokens than before.</summary>
/// <param name="Words">Words in the text.</param>
/// <param name="Changed">Those with other tokens.</param>
/// <param name="ChangedShare">Their share, from 0 to 1.</param>
/// <param name="TokensBefore">Tokens of all words before.</param>
/// <param name="TokensAfter">Tokens of all words after.</param>
/// <param name="Examples">Some changed words.</param>
internal sealed record EnglishChange(int Words, int Changed, double ChangedShare, int TokensBefore, int TokensAfter, IReadOnlyList<WordChange> Examples);

/// <summary>One word's pieces.</summary>
/// <param name="Word">The word.</param>
/// <param name="Before">Pieces of the base model.</param>
/// <param name="After">Pieces of the merged model.</param>
internal sealed record WordChange(string Word, IReadOnlyList<string> Before, IReadOnlyList<string> After);

/// <summary>How <c>tokenizer.json</c> stands in for "the leftmost of equal scores".</summary>
/// <param name="LongestMatchPieces">Pieces of the highest score that are found by the longest match.</param>
/// <param name="OrderedPieces">Those of them left to the order of the merges, because later merges may join them.</param>
/// <param name="SpoiltPieces">Pieces that the library does not put together; 0 in all known vocabularies.</param>
/// <param name="OrderDemands">Pairs of overlapping merges that ask for an order.</param>
/// <param name="BrokenOrderDemands">Those that contradict others; where the pieces are found by the longest match they do not matter.</param>
internal sealed record FastTokenizerReport(int LongestMatchPieces, int OrderedPieces, int SpoiltPieces, long OrderDemands, long BrokenOrderDemands);

// Generated: a reflecting serializer would keep the plugin's types, and so the plugin, in memory.
[JsonSerializable(typeof(MergeReport))]
internal sealed partial class MergeReportJson : JsonSerializerContext;
