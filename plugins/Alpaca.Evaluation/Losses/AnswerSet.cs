using Alpaca.Abstractions;
using Alpaca.Text;

namespace Alpaca.Evaluation;

/// <summary>Instruction data as each of the models compared reads it.</summary>
internal sealed class AnswerSet
{
    private readonly IReadOnlyList<EncodedAnswers> _encoded;
    private readonly IReadOnlyList<bool> _isComparable;

    /// <summary>Encodes data for some models.</summary>
    /// <exception cref="AlpacaException">For one of them no sample has an answer token within the length.</exception>
    public AnswerSet(string file, IReadOnlyList<Conversation> samples, IReadOnlyList<ComparedModel> models, PromptTemplate template, int maxSeqLength)
    {
        File = file;
        Count = samples.Count;
        _encoded = [.. models.Select(model => EncodedAnswers.Of(samples, file, model.Tokenizer, template, maxSeqLength))];
        _isComparable = [.. Enumerable.Range(0, samples.Count).Select(i => _encoded.All(encoded => encoded.IsWhole[i]))];
        ComparableBytes = samples.Where((_, i) => _isComparable[i]).Sum(EncodedAnswers.BytesOf);
    }

    /// <summary>Where it was read.</summary>
    public string File { get; }

    /// <summary>The number of samples.</summary>
    public int Count { get; }

    /// <summary>The samples without an answer token for the first model.</summary>
    public int Skipped => _encoded[0].Examples.Count(example => !EncodedAnswers.HasTarget(example));

    /// <summary>The bytes of the answers that no model sees cut.</summary>
    public long ComparableBytes { get; }

    /// <summary>Whether all models read the same tokens.</summary>
    public bool HaveSameTokens => _encoded.Skip(1).All(_encoded[0].HasTokensOf);

    /// <summary>A model's examples: those that are whole for all models, and the others that have an answer token.</summary>
    /// <param name="model">The model's place among those given.</param>
    public (List<SupervisedExample> Comparable, List<SupervisedExample> Others) Split(int model)
    {
        var examples = _encoded[model].Examples;
        return ([.. examples.Where((example, i) => _isComparable[i] && EncodedAnswers.HasTarget(example))], [.. examples.Where((example, i) => !_isComparable[i] && EncodedAnswers.HasTarget(example))]);
    }
}
