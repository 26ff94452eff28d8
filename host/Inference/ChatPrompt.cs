using Alpaca.Abstractions;
using Alpaca.Text;

namespace Alpaca.Host;

/// <summary>A conversation as ids.</summary>
/// <param name="Ids">The prompt.</param>
/// <param name="ForgottenQuestions">How many of the oldest questions, with their answers, had no room.</param>
internal sealed record ChatPrompt(IReadOnlyList<int> Ids, int ForgottenQuestions)
{
    /// <summary>
    /// Encodes the conversation and leaves out the oldest questions with their answers until the next answer has the room it was promised. The last question is never cut: where it
    /// leaves less room than that, the answer gets what there is.
    /// </summary>
    /// <exception cref="AlpacaException">The last question alone fills the context.</exception>
    public static ChatPrompt Fit(ModelHandle model, IReadOnlyList<ChatTurn> turns, string? system, int maxNewTokens)
    {
        var context = model.Generator.ContextLength;
        var questions = Enumerable.Range(0, turns.Count).Where(i => turns[i].Role == ChatTurnRole.User).ToList();
        for (var forgotten = 0; ; forgotten++)
        {
            var ids = model.Template.EncodeChat(model.Tokenizer, [.. turns.Skip(questions[forgotten])], system);
            if (ids.Count + maxNewTokens <= context) return new ChatPrompt(ids, forgotten);
            if (forgotten < questions.Count - 1) continue;
            return ids.Count < context
                ? new ChatPrompt(ids, forgotten)
                : throw new AlpacaException($"The message has {ids.Count} tokens with its template, and the model's context ends at {context}; shorten it.");
        }
    }
}
