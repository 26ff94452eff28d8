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

    private LlamaTokenizer(SentencePieceModel model, Vocabulary vocabulary, SpecialTokens special) : base(model, vocabulary, special)
        => _encoder = new BpeEncoder(model, vocabulary);

    /// <summary>Loads a tokenizer of this kind; <see cref="ModelTokenizer.Load"/> takes any kind.</summary>
    /// <param name="folderOrModelFile">
    /// A folder with <c>tokenizer.model</c>, whose <c>tokenizer_config.json</c>, <c>special_tokens_map.json</c> and <c>added_tokens.json</c> are read too if they
    /// are there; or a SentencePiece model file by itself.
    /// </param>
    /// <exception cref="AlpacaException">There is no such tokenizer, a file is damaged, or the model is not byte-pair encoding without normalisation.</exception>
    public static new LlamaTokenizer Load(string folderOrModelFile)
    {
        ArgumentException.ThrowIfNullOrEmpty(folderOrModelFile);
        if (!Directory.Exists(folderOrModelFile)) return Create(SentencePieceModel.Load(folderOrModelFile));

        var file = Path.Combine(folderOrModelFile, ModelFileName);
        if (!File.Exists(file))
        {
            throw new AlpacaException(File.Exists(Path.Combine(folderOrModelFile, "tokenizer.json"))
                ? $"{folderOrModelFile} has a tokenizer.json but no {ModelFileName}; only SentencePiece tokenizers (LLaMA 1 and 2) are supported, add the original {ModelFileName}."
                : $"{folderOrModelFile} has no {ModelFileName}; name a tokenizer folder or copy the model's {ModelFileName} there.");
        }
        var model = SentencePieceModel.Load(file);
        var vocabulary = new Vocabulary(model);
        return new LlamaTokenizer(model, vocabulary, SpecialTokens.Of(model, vocabulary, folderOrModelFile));
    }

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
