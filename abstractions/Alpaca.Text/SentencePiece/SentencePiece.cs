namespace Alpaca.Text;

/// <summary>One entry of a SentencePiece vocabulary.</summary>
/// <param name="Text">The piece; <c>▁</c> (U+2581) stands for a space.</param>
/// <param name="Score">Its score: for BPE the negated rank of its merge, higher merges first.</param>
/// <param name="Type">How it is used. The default is <see cref="SentencePieceType.Normal"/>.</param>
public sealed record SentencePiece(string Text, float Score, SentencePieceType Type = SentencePieceType.Normal);

/// <summary>How a piece is used; the values are those of SentencePiece's wire format.</summary>
public enum SentencePieceType
{
    /// <summary>An ordinary piece.</summary>
    Normal = 1,

    /// <summary>Stands for what is not in the vocabulary; exactly one per model.</summary>
    Unknown = 2,

    /// <summary>Never comes from text and decodes to nothing: beginning and end of sequence.</summary>
    Control = 3,

    /// <summary>Always kept whole when it occurs in text.</summary>
    UserDefined = 4,

    /// <summary>One byte, written <c>&lt;0xE4&gt;</c>, for characters that have no piece.</summary>
    Byte = 6,

    /// <summary>Takes part in merges but is taken apart again in the result.</summary>
    Unused = 5,
}

/// <summary>The segmentation algorithms of SentencePiece; the values are those of its wire format.</summary>
public enum SentencePieceModelType
{
    /// <summary>Unigram language model.</summary>
    Unigram = 1,

    /// <summary>Byte-pair encoding, LLaMA's.</summary>
    Bpe = 2,

    /// <summary>Words between spaces.</summary>
    Word = 3,

    /// <summary>Single characters.</summary>
    Char = 4,
}
