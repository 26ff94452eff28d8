using Alpaca.Formats;
using Alpaca.Text;

namespace Alpaca.Convert;

/// <summary>The <c>tokenizer.model</c> beside original weights: a SentencePiece model up to Llama 2, a tiktoken file from Llama 3 on.</summary>
/// <param name="Path">The file.</param>
internal abstract record TokenizerModel(string Path)
{
    /// <summary>How many rows of the embedding it accounts for.</summary>
    public abstract int VocabularySize { get; }

    /// <summary>How the pieces are counted, for messages.</summary>
    public abstract string Count { get; }

    /// <summary>Reads the file, whichever it is.</summary>
    /// <exception cref="Abstractions.AlpacaException">The file is damaged or neither.</exception>
    public static TokenizerModel Load(string path) =>
        TiktokenFile.IsOne(path) ? new TiktokenTokenizer(path, TiktokenFile.Read(path)) : new SentencePieceTokenizer(path, SentencePieceModel.Load(path));

    /// <summary>What is wrong when it does not belong to a model of that many rows.</summary>
    public string? FindMismatch(string folder, LlamaConfig config) => VocabularySize == config.VocabSize
        ? null
        : $"{Path} has {Count}, but the embedding in {folder} has {config.VocabSize} rows; put the {TokenizerFiles.Model} that belongs to these weights beside them.";
}

/// <summary>A SentencePiece model.</summary>
internal sealed record SentencePieceTokenizer(string Path, SentencePieceModel Model) : TokenizerModel(Path)
{
    public override int VocabularySize => Model.Pieces.Count;

    public override string Count => $"{VocabularySize} pieces";
}

/// <summary>A tiktoken file. The special tokens are not in it; they follow its pieces.</summary>
internal sealed record TiktokenTokenizer(string Path, IReadOnlyList<string> Pieces) : TokenizerModel(Path)
{
    public override int VocabularySize => Pieces.Count + LlamaVersions.SpecialTokens;

    public override string Count => $"{Pieces.Count} pieces, {VocabularySize} with the special tokens";
}
