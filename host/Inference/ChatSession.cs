using System.Runtime.CompilerServices;
using Alpaca.Abstractions;
using Alpaca.Text;

namespace Alpaca.Host;

/// <summary>A conversation with a model. Not safe to use from several threads.</summary>
/// <param name="model">The model; not disposed with the session.</param>
/// <param name="options">How tokens are chosen.</param>
/// <param name="system">What stands before the first turn, where the template has a place for it.</param>
public sealed class ChatSession(ModelHandle model, GenerationOptions options, string? system = null)
{
    private readonly List<ChatTurn> _turns = [];

    /// <summary>The turns so far, the oldest first.</summary>
    public IReadOnlyList<ChatTurn> Turns => _turns;

    /// <summary>How many of the oldest questions the last prompt had no room for.</summary>
    public int ForgottenQuestions { get; private set; }

    /// <summary>Forgets everything.</summary>
    public void Reset() => _turns.Clear();

    /// <summary>Says something and streams the answer. An answer that is cancelled stays in the conversation as far as it came; where nothing came, neither does the question.</summary>
    /// <param name="message">What is said.</param>
    /// <param name="cancellationToken">Ends the answer between tokens.</param>
    /// <exception cref="AlpacaException">The message alone is longer than the model's context.</exception>
    public async IAsyncEnumerable<string> SayAsync(string message, [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        ArgumentException.ThrowIfNullOrEmpty(message);
        var prompt = ChatPrompt.Fit(model, [.. _turns, ChatTurn.User(message)], system, options.MaxNewTokens);
        ForgottenQuestions = prompt.ForgottenQuestions;
        var answer = new Answer();
        try
        {
            await foreach (var text in model.AnswerAsync(prompt.Ids, options, answer, model.Template.StopStrings, cancellationToken)) yield return text;
        }
        finally
        {
            if (answer.Text.Trim() is { Length: > 0 } said) _turns.AddRange([ChatTurn.User(message), ChatTurn.Assistant(said)]);
        }
    }
}
