using Microsoft.Extensions.Logging;

namespace Alpaca.Download;

internal static partial class Log
{
    [LoggerMessage(100, LogLevel.Warning, "{Source} has no checklist for tokenizer.model; the file is taken unverified")]
    public static partial void TokenizerNotVerified(this ILogger logger, string source);

    [LoggerMessage(101, LogLevel.Information, "{Source} has no checklist for {Size}; its files are checked against the published SHA-256 of LLaMA {Size}")]
    public static partial void ByPublishedDigests(this ILogger logger, string size, string source);

    [LoggerMessage(102, LogLevel.Information, "{Size} is genuine LLaMA 1: every file has the published SHA-256")]
    public static partial void GenuineSize(this ILogger logger, string size);

    [LoggerMessage(103, LogLevel.Warning, "{Size} has the name of a LLaMA 1 folder, and {Files} is not LLaMA 1's, as in Llama 2's folders; its checklist vouches for it")]
    public static partial void OtherModel(this ILogger logger, string size, string files);

    [LoggerMessage(104, LogLevel.Information, "{Source} at revision {Revision} is commit {Commit}")]
    public static partial void Commit(this ILogger logger, string source, string revision, string commit);

    [LoggerMessage(105, LogLevel.Warning, "Nothing says what {Files} must be; not verified")]
    public static partial void NotVerified(this ILogger logger, string files);
}
