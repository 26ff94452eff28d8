using System.Text;

namespace Alpaca.Host;

/// <summary>Why an answer ended.</summary>
public enum FinishReason
{
    /// <summary>The model ended it, or a stop string occurred.</summary>
    Stop,

    /// <summary>The limit of new tokens or the end of the context was reached.</summary>
    Length,
}

/// <summary>What a model said, growing while it is said.</summary>
public sealed class Answer
{
    private readonly List<int> _ids = [];
    private readonly List<AnswerToken> _tokens = [];
    private readonly StringBuilder _text = new();

    /// <summary>The ids chosen so far, without the one that ended the answer.</summary>
    public IReadOnlyList<int> Ids => _ids;

    /// <summary>The tokens given out so far: those of <see cref="Ids"/> that no stop string took back.</summary>
    public IReadOnlyList<AnswerToken> Tokens => _tokens;

    /// <summary>The text given out so far; empty for a model without a tokenizer.</summary>
    public string Text => _text.ToString();

    /// <summary>Why it ended; <see langword="null"/> while it is said, and when it was cancelled.</summary>
    public FinishReason? FinishReason { get; internal set; }

    /// <summary>Tokens of the prompt.</summary>
    public int PromptTokens { get; internal set; }

    /// <summary>How many of them were taken over from an earlier sequence instead of being computed.</summary>
    public int ReusedPromptTokens { get; internal set; }

    /// <summary>The logits from which the first token was chosen, if they were asked for; empty when the very first choice ended the answer.</summary>
    public ReadOnlyMemory<float> FirstLogits { get; internal set; }

    internal void Add(int id) => _ids.Add(id);

    internal AnswerPiece Add(AnswerPiece piece)
    {
        _text.Append(piece.Text);
        _tokens.AddRange(piece.Tokens);
        return piece;
    }
}
