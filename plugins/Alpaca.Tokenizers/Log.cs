using Microsoft.Extensions.Logging;

namespace Alpaca.Tokenizers;

/// <summary>What the original script prints, in its order.</summary>
internal static partial class Log
{
    [LoggerMessage(1, LogLevel.Information, "LLaMA tokenizer: {LlamaPieces} pieces, Chinese model: {ChinesePieces} pieces")]
    public static partial void Lengths(ILogger logger, int llamaPieces, int chinesePieces);

    [LoggerMessage(2, LogLevel.Information, "Special tokens: {Bos} {BosId}, {Eos} {EosId}, {Unk} {UnkId}")]
    public static partial void SpecialTokens(ILogger logger, string bos, int? bosId, string eos, int? eosId, string unk, int? unkId);

    [LoggerMessage(3, LogLevel.Information, "Before:{Pieces}")]
    public static partial void Before(ILogger logger, int pieces);

    [LoggerMessage(4, LogLevel.Information, "New model pieces: {Pieces} ({Added} added, {Duplicates} known already)")]
    public static partial void After(ILogger logger, int pieces, int added, int duplicates);

    [LoggerMessage(5, LogLevel.Information, "Chinese-LLaMA tokenizer has been saved to {Folder}")]
    public static partial void Saved(ILogger logger, string folder);

    [LoggerMessage(6, LogLevel.Information, "Test text:\n{Text}")]
    public static partial void TestText(ILogger logger, string text);

    [LoggerMessage(7, LogLevel.Information, "Tokenized by {Name} tokenizer, {Count} tokens: {Pieces}\nIds: {Ids}")]
    public static partial void Tokens(ILogger logger, string name, int count, string pieces, string ids);
}
