using Alpaca.Abstractions;

namespace Alpaca.Text;

/// <summary>LLaMA's tokenizer: SentencePiece's byte-pair encoding, exact to the id, with the special and added tokens of a Hugging Face folder.</summary>
/// <remarks>
/// Equal to SentencePiece 0.1.97 and to Hugging Face's <c>LlamaTokenizer</c> with <c>legacy=True</c>: a space is put before every text that is not empty, and before every
/// stretch between special tokens. Microsoft.ML.Tokenizers' own encoder breaks ties between equal scores differently and gives other ids on one text in four with a merged
/// Chinese vocabulary, where all added pieces have the same score. Encoding into a list with room allocates nothing.
/// </remarks>
public sealed class LlamaTokenizer : SentencePieceTokenizer
{
    private readonly BpeEncoder _encoder;

    internal LlamaTokenizer(SentencePieceModel model, Vocabulary vocabulary, SpecialTokens special) : base(model, vocabulary, special)
        => _encoder = new BpeEncoder(model, vocabulary);

    /// <summary>Loads a tokenizer of this kind alone; <see cref="ModelTokenizer.Load"/> takes any.</summary>
    /// <param name="folderOrModelFile">A folder with <c>tokenizer.model</c>, or a SentencePiece model file by itself.</param>
    /// <exception cref="AlpacaException">There is no such tokenizer, a file is damaged, or it is not byte-pair encoding without normalisation.</exception>
    public static new LlamaTokenizer Load(string folderOrModelFile)
        => ModelTokenizer.Load(folderOrModelFile) as LlamaTokenizer
            ?? throw new AlpacaException($"{folderOrModelFile} is a tokenizer of another kind than LLaMA's SentencePiece byte-pair encoding; name a folder with the {ModelFileName} of LLaMA 1 or 2.");

    /// <summary>Makes a tokenizer of a model in memory, with the special tokens that the model itself has.</summary>
    /// <param name="model">A byte-pair model without normalisation.</param>
    /// <exception cref="AlpacaException">The model is of another kind.</exception>
    public static LlamaTokenizer Create(SentencePieceModel model)
    {
        ArgumentNullException.ThrowIfNull(model);
        var vocabulary = new Vocabulary(model);
        return new LlamaTokenizer(model, vocabulary, SpecialTokens.Of(model, vocabulary, folder: null));
    }

    internal override void EncodeText<TSink>(ReadOnlySpan<char> text, ref TSink sink) => _encoder.Encode(text, ref sink);
}
