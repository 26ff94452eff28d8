using Microsoft.Extensions.Logging;

namespace Alpaca.Tokenizers;

/// <summary>What the original script prints, in its order, and then what the report says.</summary>
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

    [LoggerMessage(5, LogLevel.Information, "Chinese-LLaMA tokenizer has been saved as {Files}")]
    public static partial void Saved(ILogger logger, string files);

    [LoggerMessage(6, LogLevel.Information, "Test text:\n{Text}")]
    public static partial void TestText(ILogger logger, string text);

    [LoggerMessage(7, LogLevel.Information, "Tokenized by {Name} tokenizer, {Count} tokens: {Pieces}\nIds: {Ids}")]
    public static partial void Tokens(ILogger logger, string name, int count, string pieces, string ids);

    [LoggerMessage(8, LogLevel.Warning, "There is no {File}: {Reason}")]
    public static partial void NoFastTokenizer(ILogger logger, string file, string reason);

    [LoggerMessage(9, LogLevel.Information, "{Reachable} of {Added} added pieces come out when encoded alone; {Unreachable} never do: {Examples}")]
    public static partial void Reachability(ILogger logger, int reachable, int added, int unreachable, string examples);

    [LoggerMessage(10, LogLevel.Information, "Tokens per character: {Before} before, {After} after ({TokensBefore} and {TokensAfter} tokens for {Characters} characters)")]
    public static partial void Lengths(ILogger logger, double before, double after, int tokensBefore, int tokensAfter, int characters);

    [LoggerMessage(11, LogLevel.Information, "{Changed} of {Words} English words have other tokens than before {Examples}")]
    public static partial void English(ILogger logger, int changed, int words, string examples);

    [LoggerMessage(12, LogLevel.Information, "{File}: {Cut} pieces are found by the longest match, {Ordered} depend on the order of merges, {Spoilt} do not come out")]
    public static partial void Fast(ILogger logger, string file, int cut, int ordered, int spoilt);
}
