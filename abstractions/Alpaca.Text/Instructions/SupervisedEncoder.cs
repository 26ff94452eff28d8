using Alpaca.Abstractions;

namespace Alpaca.Text;

/// <summary>Turns samples into ids and labels the way Chinese-Alpaca's fine-tuning script does.</summary>
public static class SupervisedEncoder
{
    /// <summary>The label of what the loss leaves out: the prompt.</summary>
    public const int IgnoreIndex = -100;

    /// <summary>Encodes a sample: beginning of sequence, prompt, answer, end of sequence.</summary>
    /// <param name="sample">The sample.</param>
    /// <param name="tokenizer">The model's tokenizer.</param>
    /// <param name="template">How the prompt is written.</param>
    /// <param name="maxSeqLength">What is longer is cut at its end. A prompt this long leaves no label; such samples teach nothing and should be left out.</param>
    /// <returns>Ids and labels, of equal length; the labels of the prompt are <see cref="IgnoreIndex"/>.</returns>
    /// <exception cref="AlpacaException">The tokenizer has no beginning or end of sequence.</exception>
    /// <remarks>
    /// Prompt and answer are encoded separately, so the answer has its own leading space mark: the ids differ from those of the concatenated text, and models
    /// trained by the original script expect them so. <c>&lt;/s&gt;</c> within the data is text, not the end of the sequence.
    /// </remarks>
    public static SupervisedExample Encode(InstructionSample sample, ModelTokenizer tokenizer, PromptTemplate template, int maxSeqLength)
    {
        ArgumentNullException.ThrowIfNull(sample);
        ArgumentNullException.ThrowIfNull(tokenizer);
        ArgumentNullException.ThrowIfNull(template);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(maxSeqLength);

        var source = tokenizer.Encode(template.Render(sample.Instruction, sample.Input), addBos: true);
        var target = tokenizer.Encode(sample.Output, addEos: true);
        return new SupervisedExample(
            [.. source.Concat(target).Take(maxSeqLength)],
            [.. Enumerable.Repeat(IgnoreIndex, source.Count).Concat(target).Take(maxSeqLength)]);
    }
}
