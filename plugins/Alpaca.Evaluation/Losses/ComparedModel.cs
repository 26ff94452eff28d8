using Alpaca.Abstractions;
using Alpaca.Formats;
using Alpaca.Text;

namespace Alpaca.Evaluation;

/// <summary>A model whose losses are to be measured.</summary>
/// <param name="Folder">Its Hugging Face folder.</param>
/// <param name="Tokenizer">Its tokenizer.</param>
/// <param name="Positions">The longest sequence it was made for.</param>
internal sealed record ComparedModel(string Folder, ModelTokenizer Tokenizer, int Positions)
{
    /// <summary>Reads what is small, and checks that weights, configuration and tokenizer fit.</summary>
    /// <exception cref="AlpacaException">They cannot be used together.</exception>
    public static ComparedModel Open(string folder)
    {
        using var files = HuggingFaceModel.Open(folder);
        var tokenizer = ModelTokenizer.Load(folder);
        return tokenizer.VocabularySize <= files.Config.VocabSize
            ? new ComparedModel(folder, tokenizer, files.Config.MaxPositionEmbeddings)
            : throw new AlpacaException($"The tokenizer in {folder} has {tokenizer.VocabularySize} pieces and the model {files.Config.VocabSize} rows; put the tokenizer there that the model was made with.");
    }
}
