using Alpaca.Text;

namespace Alpaca.Tokenizers;

/// <summary>One SentencePiece model with the pieces of others appended, as Chinese-LLaMA's was made.</summary>
/// <param name="Model">The merged model.</param>
/// <param name="Added">How many of the other models' pieces were appended.</param>
/// <param name="Duplicates">How many were in the vocabulary already.</param>
/// <param name="Extra">How many of the extra pieces were appended.</param>
/// <param name="KnownExtra">How many of the extra pieces were in the vocabulary already.</param>
internal sealed record VocabularyMerge(SentencePieceModel Model, int Added, int Duplicates, int Extra, int KnownExtra)
{
    /// <summary>Appends what the base model lacks, in the order of the others, each with score 0; then the extra pieces; and the padding piece, if there is to be one, before or after all.</summary>
    /// <param name="basis">The model whose pieces keep their ids, and whose settings rule.</param>
    /// <param name="others">The models whose pieces are added. Their kind does not matter: only the texts of their pieces are used.</param>
    /// <param name="extra">Further pieces.</param>
    /// <param name="padToken">A piece for padding; the vocabulary of Chinese-Alpaca has <c>[PAD]</c> last.</param>
    /// <param name="padFirst">Whether it goes before what is added; the vocabulary of Chinese-LLaMA-2 has <c>&lt;pad&gt;</c> there.</param>
    /// <remarks>
    /// Score 0 is above every score of LLaMA's, so an added piece merges before any of LLaMA's own. Control pieces of the other models (<c>&lt;s&gt;</c>) are in the
    /// base vocabulary and so count as duplicates.
    /// </remarks>
    public static VocabularyMerge Of(SentencePieceModel basis, IReadOnlyList<SentencePieceModel> others, IReadOnlyList<string> extra, string? padToken, bool padFirst)
    {
        var known = basis.Pieces.Select(piece => piece.Text).ToHashSet(StringComparer.Ordinal);
        var appended = new List<SentencePiece>();
        if (padFirst) Append(padToken is null ? [] : [padToken]);
        var added = Append(others.SelectMany(other => other.Pieces).Select(piece => piece.Text));
        var further = Append(extra);
        if (!padFirst) Append(padToken is null ? [] : [padToken]);
        return new VocabularyMerge(basis.Append(appended), added, others.Sum(other => other.Pieces.Count) - added, further, extra.Count - further);

        int Append(IEnumerable<string> pieces)
        {
            var before = appended.Count;
            appended.AddRange(pieces.Where(known.Add).Select(piece => new SentencePiece(piece, Score: 0)));
            return appended.Count - before;
        }
    }
}
