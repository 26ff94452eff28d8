using System.Runtime.CompilerServices;
using Alpaca.Abstractions;
using Alpaca.Text;

namespace Alpaca.Host;

/// <summary>A conversation with a model. Not safe to use from several threads.</summary>
/// <param name="model">The model; not disposed with the session.</param>
public sealed class ChatSession(ModelHandle model)
{
    private readonly List<ChatTurn> _turns = [];

    /// <summary>How tokens are chosen.</summary>
    public GenerationOptions Options { get; set; } = new();

    /// <summary>What stands before the first turn, where the template has a place for it. The default is none.</summary>
    public string? System { get; set; }

    /// <summary>What came of the last message; <see langword="null"/> before the first.</summary>
    public Answer? LastAnswer { get; private set; }

    /// <summary>The turns so far, the oldest first.</summary>
    public IReadOnlyList<ChatTurn> Turns => _turns;

    /// <summary>How many of the oldest turns the last prompt had no room for.</summary>
    public int ForgottenTurns { get; private set; }

    /// <summary>Forgets everything.</summary>
    public void Reset() => _turns.Clear();

    /// <summary>Says something and streams the answer. An answer that is cancelled stays in the conversation as far as it came; where nothing came, neither does the question.</summary>
    /// <param name="message">What is said.</param>
    /// <param name="cancellationToken">Ends the answer between tokens.</param>
    /// <exception cref="AlpacaException">The message alone is longer than the model's context.</exception>
    public async IAsyncEnumerable<string> SayAsync(string message, [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        ArgumentException.ThrowIfNullOrEmpty(message);
        var prompt = ChatPrompt.Fit(model, [.. _turns, new ChatTurn(message, null)], System, Options.MaxNewTokens);
        ForgottenTurns = prompt.ForgottenTurns;
        var answer = LastAnswer = new Answer();
        try
        {
            await foreach (var text in model.AnswerAsync(prompt.Ids, Options, answer, model.Template.StopStrings, cancellationToken)) yield return text;
        }
        finally
        {
            if (answer.Text.Trim() is { Length: > 0 } said) _turns.Add(new ChatTurn(message, said));
        }
    }
}
