using Alpaca.Abstractions;

namespace Alpaca.Download;

/// <summary>A file arrived whole and is not the one it should be.</summary>
internal sealed class DigestMismatchException(string message) : AlpacaException(message);
