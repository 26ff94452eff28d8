namespace Alpaca.Host;

/// <summary>The next part of an answer.</summary>
/// <param name="Text">Text of whole characters; empty where only tokens without any came, and for a model without a tokenizer.</param>
/// <param name="Tokens">The tokens whose text has been given out with it. Those that a stop string took back never come; a character that is spelled in bytes comes with its last one.</param>
public sealed record AnswerPiece(string Text, IReadOnlyList<AnswerToken> Tokens);

/// <summary>A part of one of several answers to a prompt.</summary>
/// <param name="Index">Which of them, from 0.</param>
/// <param name="Piece">The part; <see langword="null"/> when this answer has ended.</param>
public readonly record struct IndexedAnswerPiece(int Index, AnswerPiece? Piece);
