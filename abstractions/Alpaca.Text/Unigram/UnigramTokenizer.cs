using Alpaca.Abstractions;

namespace Alpaca.Text;

/// <summary>A tokenizer with a SentencePiece unigram model, as the Chinese vocabularies are trained before they are merged into LLaMA's; exact to the id.</summary>
/// <remarks>
/// Equal to SentencePiece 0.1.97, the model's normalisation (<c>nmt_nfkc</c>) included. Normalisation loses what it folds: decoding gives the normalised text. Where a
/// character was normalised to several and these are of different tokens, all but the last of the tokens end, by their offsets, before the character.
/// </remarks>
public sealed class UnigramTokenizer : SentencePieceTokenizer
{
    private readonly UnigramEncoder _encoder;

    internal UnigramTokenizer(SentencePieceModel model, Vocabulary vocabulary, SpecialTokens special) : base(model, vocabulary, special)
        => _encoder = new UnigramEncoder(model, vocabulary);

    /// <summary>Makes a tokenizer of a model in memory, with the special tokens that the model itself has.</summary>
    /// <param name="model">A unigram model.</param>
    /// <exception cref="AlpacaException">The model is of another kind.</exception>
    public static UnigramTokenizer Create(SentencePieceModel model)
    {
        ArgumentNullException.ThrowIfNull(model);
        var vocabulary = new Vocabulary(model);
        return new UnigramTokenizer(model, vocabulary, SpecialTokens.Of(model, vocabulary, folder: null));
    }

    internal override void EncodeText<TSink>(ReadOnlySpan<char> text, ref TSink sink) => _encoder.Encode(text, ref sink);
}
