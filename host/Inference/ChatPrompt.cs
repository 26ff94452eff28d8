using Alpaca.Text;

namespace Alpaca.Host;

/// <summary>A conversation as ids.</summary>
/// <param name="Ids">The prompt.</param>
/// <param name="ForgottenTurns">How many of the oldest turns had no room.</param>
internal sealed record ChatPrompt(IReadOnlyList<int> Ids, int ForgottenTurns)
{
    /// <summary>
    /// Encodes the conversation and leaves out the oldest turns until the next answer has the room it was promised. The last question is never cut: where it
    /// leaves less room than that, the answer gets what there is.
    /// </summary>
    /// <exception cref="ContextLengthException">The last question alone fills the context.</exception>
    public static ChatPrompt Fit(ModelHandle model, IReadOnlyList<ChatTurn> turns, string? system, int maxNewTokens)
    {
        var context = model.Generator.ContextLength;
        var ids = Encode(0);
        if (HasRoom()) return new ChatPrompt(ids, 0);
        // The fewest turns to forget, by halves: the more are forgotten, the shorter is the prompt.
        var (least, most) = (1, turns.Count - 1);
        while (least < most)
        {
            var middle = (least + most) / 2;
            ids = Encode(middle);
            if (HasRoom()) most = middle;
            else least = middle + 1;
        }

        var forgotten = Math.Max(0, most);
        ids = Encode(forgotten);
        return ids.Count < context
            ? new ChatPrompt(ids, forgotten)
            : throw new ContextLengthException($"The message has {ids.Count} tokens with its template, and the model's context ends at {context}; shorten it.");

        IReadOnlyList<int> Encode(int skipped) => model.Template.EncodeChat(model.Tokenizer, skipped == 0 ? turns : [.. turns.Skip(skipped)], system);

        bool HasRoom() => (long)ids.Count + maxNewTokens <= context;
    }
}
