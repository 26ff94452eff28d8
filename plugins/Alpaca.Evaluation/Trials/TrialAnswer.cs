namespace Alpaca.Evaluation;

/// <summary>A trial answer, and what can be told of it without understanding it.</summary>
public sealed record TrialAnswer
{
    /// <summary>The question.</summary>
    public required string Question { get; init; }

    /// <summary>The answer.</summary>
    public required string Answer { get; init; }

    /// <summary>The answer's length in tokens, its end left out.</summary>
    public required int Tokens { get; init; }

    /// <summary>Whether the model ended it by itself, within the tokens it was given.</summary>
    public required bool HasEnded { get; init; }

    /// <summary>Whether at least half of its letters are in the script expected; an answer without letters needs a digit.</summary>
    public required bool IsInScript { get; init; }

    /// <summary>Whether it goes round in circles.</summary>
    public required bool IsLooping { get; init; }

    /// <summary>Whether it ended, in the script expected, without going round in circles.</summary>
    public bool HasPassed => HasEnded && IsInScript && !IsLooping;

    internal static TrialAnswer Of(TrialQuestion question, IReadOnlyList<int> ids, string text) => new()
    {
        Question = question.Text,
        Answer = text,
        Tokens = ids.Count,
        HasEnded = ids.Count < question.MaxNewTokens,
        IsInScript = TextScript.IsIn(text, question.Script),
        IsLooping = TokenLoop.IsIn(ids),
    };
}
