using Alpaca.Abstractions;

namespace Alpaca.Host;

/// <summary>A prompt that leaves no room for an answer in the model's context.</summary>
public sealed class ContextLengthException(string message) : AlpacaException(message);
