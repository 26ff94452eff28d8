namespace Alpaca.Download;

/// <summary>A source broke off or sent something other than it announced; trying again may help.</summary>
/// <param name="message">A clause that goes on with "could not be fetched completely: ".</param>
/// <param name="innerException">The cause.</param>
internal sealed class InterruptedTransferException(string message, Exception? innerException = null) : Exception(message, innerException);
