using Microsoft.Extensions.Logging;

namespace Alpaca.Download;

internal static partial class Log
{
    [LoggerMessage(100, LogLevel.Warning, "{Source} has no checklist for tokenizer.model; the file is taken unverified")]
    public static partial void TokenizerNotVerified(this ILogger logger, string source);
}
