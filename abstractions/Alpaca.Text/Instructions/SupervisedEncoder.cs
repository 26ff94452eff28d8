namespace Alpaca.Text;

/// <summary>Turns samples into ids and labels the way Chinese-Alpaca's fine-tuning script does.</summary>
public static class SupervisedEncoder
{
    /// <summary>The label of what the loss leaves out: the prompt.</summary>
    public const int IgnoreIndex = -100;

    /// <summary>Encodes a conversation: beginning of sequence, then by turns a prompt and an answer with its end. Every answer is learned, its end included.</summary>
    /// <param name="conversation">The conversation.</param>
    /// <param name="tokenizer">The model's tokenizer.</param>
    /// <param name="template">How the prompts are written.</param>
    /// <param name="maxSeqLength">What is longer is cut at its end. A first prompt this long leaves no label; such samples teach nothing and should be left out. The default cuts nothing.</param>
    /// <returns>Ids and labels, of equal length; the labels of the prompts are <see cref="IgnoreIndex"/>.</returns>
    /// <exception cref="Abstractions.AlpacaException">The tokenizer lacks a token of the template.</exception>
    /// <remarks>
    /// Prompt and answer are encoded separately, so the answer has its own leading space mark: the ids differ from those of the concatenated text, and models
    /// trained by the original script expect them so. <c>&lt;/s&gt;</c> within the data is text, not the end of the sequence. The ids up to an answer are those that
    /// chat and server give the model as the prompt of that answer.
    /// </remarks>
    public static SupervisedExample Encode(Conversation conversation, ModelTokenizer tokenizer, PromptTemplate template, int maxSeqLength = int.MaxValue)
    {
        ArgumentNullException.ThrowIfNull(conversation);
        ArgumentNullException.ThrowIfNull(tokenizer);
        ArgumentNullException.ThrowIfNull(template);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(maxSeqLength);

        var (ids, labels) = (new List<int>(), new List<int>());
        foreach (var part in template.Encode(tokenizer, conversation.Turns, conversation.System))
        {
            ids.AddRange(part.Ids);
            labels.AddRange(part.IsAnswer ? part.Ids : Enumerable.Repeat(IgnoreIndex, part.Ids.Count));
        }
        return new SupervisedExample([.. ids], [.. labels]) { Place = conversation.Place }.Truncate(maxSeqLength);
    }
}
