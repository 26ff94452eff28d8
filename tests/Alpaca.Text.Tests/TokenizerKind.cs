using System.Collections.Concurrent;

namespace Alpaca.Text.Tests;

/// <summary>A tokenizer of each kind, for tests that all of them pass.</summary>
internal static class TokenizerKind
{
    private static readonly string[] LosslessNames = ["base", "merged", "unigram-bytes", "llama3-tiktoken", "llama3-json"];

    private static readonly ConcurrentDictionary<string, ModelTokenizer> Loaded = new();

    public static TheoryData<string> All => ["base", "merged", "special", "unused", "unigram", "unigram-bytes", "llama3-tiktoken", "llama3-json"];

    /// <summary>Those that give back every text as it was.</summary>
    public static TheoryData<string> Lossless => [.. LosslessNames];

    public static bool IsLossless(string kind) => LosslessNames.Contains(kind);

    public static ModelTokenizer Load(string kind) => Loaded.GetOrAdd(kind, static kind =>
    {
        if (kind == "merged") return LlamaTokenizer.Create(Merged());
        if (kind == "llama3-tiktoken") return ModelTokenizer.Load(Llama3Fixture.TiktokenPath);
        if (kind != "llama3-json") return ModelTokenizer.Load(Fixture.Path($"{kind}.model"));
        using var folder = new TemporaryFolder();
        folder.Write("tokenizer.json", Llama3Fixture.TokenizerJson().ToJsonString());
        return ModelTokenizer.Load(folder.Path);
    });

    private static SentencePieceModel Merged()
    {
        var llama = SentencePieceModel.Load(Fixture.Path("base.model"));
        var known = llama.Pieces.Select(piece => piece.Text).ToHashSet(StringComparer.Ordinal);
        return llama.Append([.. SentencePieceModel.Load(Fixture.Path("chinese.model")).Pieces.Where(piece => !known.Contains(piece.Text)).Select(piece => new SentencePiece(piece.Text, 0))]);
    }
}
