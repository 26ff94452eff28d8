using Alpaca.Text;

namespace Alpaca.Tokenizers;

/// <summary>One SentencePiece model with the pieces of another appended, as Chinese-LLaMA's was made.</summary>
/// <param name="Model">The merged model.</param>
/// <param name="Added">How many of the other model's pieces were appended.</param>
/// <param name="Duplicates">How many were in the base vocabulary already.</param>
internal sealed record VocabularyMerge(SentencePieceModel Model, int Added, int Duplicates)
{
    /// <summary>Appends what the base model lacks, in the other model's order, each with score 0; then the padding piece, if there is to be one.</summary>
    /// <param name="basis">The model whose pieces keep their ids, and whose settings rule.</param>
    /// <param name="other">The model whose pieces are added. Its kind does not matter: only the texts of its pieces are used.</param>
    /// <param name="padToken">A piece to append last; the vocabulary of Chinese-Alpaca has <c>[PAD]</c> there.</param>
    /// <remarks>
    /// Score 0 is above every score of LLaMA's, so an added piece merges before any of LLaMA's own. Control pieces of the other model (<c>&lt;s&gt;</c>) are in the
    /// base vocabulary and so count as duplicates.
    /// </remarks>
    public static VocabularyMerge Of(SentencePieceModel basis, SentencePieceModel other, string? padToken)
    {
        var known = basis.Pieces.Select(piece => piece.Text).ToHashSet(StringComparer.Ordinal);
        var added = other.Pieces.Where(piece => known.Add(piece.Text)).Select(piece => new SentencePiece(piece.Text, Score: 0)).ToList();
        var duplicates = other.Pieces.Count - added.Count;
        var padding = padToken is not null && known.Add(padToken) ? new[] { new SentencePiece(padToken, Score: 0) } : [];
        return new VocabularyMerge(basis.Append([.. added, .. padding]), added.Count, duplicates);
    }
}
