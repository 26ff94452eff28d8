using Alpaca.Abstractions;
using Alpaca.Text;

namespace Alpaca.Training;

/// <summary>The samples of some files as tokens.</summary>
/// <param name="Samples">Those that teach something, at least one.</param>
/// <param name="Lint">What is to be known about all of them.</param>
internal sealed record EncodedData(IReadOnlyList<SupervisedExample> Samples, DataLint Lint)
{
    /// <summary>Reads and encodes files.</summary>
    /// <param name="paths">Files and folders.</param>
    /// <param name="purpose">What they are for, in messages.</param>
    /// <param name="request">Template, length, and what becomes of longer samples.</param>
    /// <param name="tokenizer">The tokenizer.</param>
    /// <exception cref="AlpacaException">A file cannot be used, no sample has a supervised token, or one is too long and that shall fail.</exception>
    public static EncodedData Load(IReadOnlyList<string> paths, string purpose, TrainRequest request, ModelTokenizer tokenizer)
    {
        var template = PromptTemplate.Get(request.Template);
        var end = template.FindAnswerEnd(tokenizer);
        var lint = new DataLint(purpose, request.MaxSeqLength);
        var samples = new List<SupervisedExample>();
        var conversations = InstructionDataset.Load(paths);
        foreach (var conversation in conversations)
        {
            var whole = SupervisedEncoder.Encode(conversation, tokenizer, template);
            var trained = whole.InputIds.Length > request.MaxSeqLength && request.OverLong == OverLongSamples.Drop ? null : whole.Truncate(request.MaxSeqLength);
            lint.Add(conversation, whole, trained, end);
            if (trained is not null && TrainingRow.CountSupervised(trained) > 0) samples.Add(trained);
        }

        if (request.OverLong == OverLongSamples.Fail && lint.OverLong > 0)
            throw new AlpacaException($"{lint.OverLong} of {conversations.Count} {purpose} samples have more than MaxSeqLength {request.MaxSeqLength} tokens, the first at {lint.FirstOverLong}; raise it, shorten them, or set OverLong to truncate or drop.");
        if (samples.Count == 0)
            throw new AlpacaException($"None of the {conversations.Count} {purpose} samples of {string.Join(", ", paths)} has an answer token within MaxSeqLength {request.MaxSeqLength}; raise it or shorten the instructions.");
        return new EncodedData(samples, lint);
    }
}
