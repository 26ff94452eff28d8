using System.Text;
using Alpaca.Abstractions;
using Alpaca.Text;

namespace Alpaca.Evaluation;

/// <summary>Instruction data as one model reads it.</summary>
/// <param name="Examples">One for each sample, cut at the longest length.</param>
/// <param name="IsWhole">For each sample, whether nothing was cut off it.</param>
internal sealed record EncodedAnswers(IReadOnlyList<SupervisedExample> Examples, IReadOnlyList<bool> IsWhole)
{
    /// <summary>Encodes data.</summary>
    /// <exception cref="AlpacaException">No sample has an answer token within the length.</exception>
    public static EncodedAnswers Of(IReadOnlyList<Conversation> samples, string file, ModelTokenizer tokenizer, PromptTemplate template, int maxSeqLength)
    {
        var whole = samples.Select(sample => SupervisedEncoder.Encode(sample, tokenizer, template)).ToList();
        var encoded = new EncodedAnswers([.. whole.Select(example => example.Truncate(maxSeqLength))], [.. whole.Select(example => example.InputIds.Length <= maxSeqLength)]);
        return encoded.Examples.Any(HasTarget)
            ? encoded
            : throw new AlpacaException($"No sample of {file} has an answer token within {maxSeqLength} tokens; raise MaxSeqLength or take data with shorter prompts.");
    }

    /// <summary>Whether another model reads the data as the same tokens, so that their losses per token are comparable.</summary>
    public bool HasTokensOf(EncodedAnswers other) => Examples.Zip(other.Examples).All(pair => pair.First.InputIds.AsSpan().SequenceEqual(pair.Second.InputIds));

    /// <summary>The length of a sample's answers in bytes of UTF-8.</summary>
    public static long BytesOf(Conversation sample) => sample.Turns.Sum(turn => (long)Encoding.UTF8.GetByteCount(turn.Assistant ?? ""));

    public static bool HasTarget(SupervisedExample example) => example.Labels.AsSpan(1).ContainsAnyExcept(SupervisedEncoder.IgnoreIndex);
}
