namespace Alpaca.Text.Tests;

/// <summary>The published SentencePiece models, where the golden files are there.</summary>
internal static class GoldenModels
{
    public static SentencePieceModel Load(string name) => name switch { nameof(Llama) => Llama, nameof(Chinese) => Chinese, _ => Merged };

    public static SentencePieceModel Llama => SentencePieceModel.Load(Golden.Path("tokenizer", "llama.model"));

    public static SentencePieceModel Chinese => SentencePieceModel.Load(Golden.Path("tokenizer", "chinese_sp.model"));

    /// <summary>LLaMA's model with the Chinese pieces that it lacks, 49,953 in all.</summary>
    public static SentencePieceModel Merged
    {
        get
        {
            var llama = Llama;
            var known = llama.Pieces.Select(piece => piece.Text).ToHashSet(StringComparer.Ordinal);
            return llama.Append([.. Chinese.Pieces.Where(piece => !known.Contains(piece.Text)).Select(piece => new SentencePiece(piece.Text, 0))]);
        }
    }
}
