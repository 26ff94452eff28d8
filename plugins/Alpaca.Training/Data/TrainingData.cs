using Alpaca.Abstractions;
using Alpaca.Text;
using Microsoft.Extensions.Logging;

namespace Alpaca.Training;

/// <summary>The samples of a run, as tokens.</summary>
/// <param name="Training">Rows to train on, at least one.</param>
/// <param name="Validation">Rows to validate on; empty without a validation file.</param>
internal sealed record TrainingData(IReadOnlyList<TrainingRow> Training, IReadOnlyList<TrainingRow> Validation)
{
    /// <summary>Reads and encodes the data of a request.</summary>
    /// <param name="request">Names files, template, lengths, packing.</param>
    /// <param name="tokenizer">The tokenizer.</param>
    /// <param name="logger">Hears of samples that teach nothing or are cut.</param>
    /// <exception cref="AlpacaException">A file cannot be used, or no sample has a supervised token.</exception>
    public static TrainingData Load(TrainRequest request, ModelTokenizer tokenizer, ILogger logger)
    {
        var template = PromptTemplate.Get(request.Template);
        var training = Encode(request.DatasetDir, "training");
        var rows = request.Packing ? RowPacker.Pack(training, request.MaxSeqLength) : Single(training);
        return new TrainingData(rows, request.ValidationFile is { } file ? Single(Encode([file], "validation")) : []);

        static IReadOnlyList<TrainingRow> Single(IReadOnlyList<SupervisedExample> samples) => [.. samples.Select(sample => new TrainingRow([sample]))];

        IReadOnlyList<SupervisedExample> Encode(IReadOnlyList<string> paths, string purpose)
        {
            var samples = InstructionDataset.Load(paths).Select(sample => SupervisedEncoder.Encode(sample, tokenizer, template, request.MaxSeqLength)).ToList();
            var usable = samples.Where(sample => TrainingRow.CountSupervised(sample) > 0).ToList();
            if (usable.Count == 0)
                throw new AlpacaException($"None of the {samples.Count} {purpose} samples of {string.Join(", ", paths)} has an answer token within MaxSeqLength {request.MaxSeqLength}; raise it or shorten the instructions.");
            if (usable.Count < samples.Count)
                logger.LogWarning("{Dropped} of {Count} {Purpose} samples are dropped: their prompt alone fills MaxSeqLength {Length}", samples.Count - usable.Count, samples.Count, purpose, request.MaxSeqLength);
            if (usable.Count(sample => sample.Labels[^1] != template.FindAnswerEnd(tokenizer)) is var cut and > 0)
                logger.LogWarning("{Cut} of {Count} {Purpose} samples are cut at MaxSeqLength {Length} and do not teach where an answer ends", cut, usable.Count, purpose, request.MaxSeqLength);
            return usable;
        }
    }
}
