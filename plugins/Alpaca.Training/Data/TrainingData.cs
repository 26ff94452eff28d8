using Alpaca.Abstractions;
using Alpaca.Text;
using Microsoft.Extensions.Logging;

namespace Alpaca.Training;

/// <summary>The samples of a run, as tokens.</summary>
/// <param name="Training">Rows to train on, at least one.</param>
/// <param name="Validation">Rows to validate on; empty without a validation file.</param>
internal sealed record TrainingData(IReadOnlyList<TrainingRow> Training, IReadOnlyList<TrainingRow> Validation)
{
    /// <summary>Whether rows of similar length shall stand in one forward pass, where they are shuffled.</summary>
    public bool GroupByLength { get; init; }

    /// <summary>What is to be known about the samples, a line each.</summary>
    public IReadOnlyList<string> Findings { get; init; } = [];

    /// <summary>Reads and encodes the data of a request.</summary>
    /// <param name="request">Names files, template, lengths, packing.</param>
    /// <param name="tokenizer">The tokenizer.</param>
    /// <param name="logger">Told the sizes, and what in the data teaches nothing or the wrong thing.</param>
    /// <exception cref="AlpacaException">A file cannot be used, no sample has a supervised token, or one is too long and that shall fail.</exception>
    public static TrainingData Load(TrainRequest request, ModelTokenizer tokenizer, ILogger logger)
    {
        var training = EncodedData.Load(request.DatasetDir, "training", request, tokenizer);
        var validation = request.ValidationFile is { } file ? EncodedData.Load([file], "validation", request, tokenizer) : null;
        foreach (var data in new[] { training, validation }.OfType<EncodedData>())
        {
            foreach (var line in data.Lint.Summary) logger.LogInformation("{Line}", line);
            foreach (var line in data.Lint.Warnings) logger.LogWarning("{Line}", line);
        }

        return new TrainingData(Single(training.Samples), Single(validation?.Samples ?? []))
        {
            GroupByLength = request is { GroupByLength: true, Packing: false },
            Findings = [.. new[] { training, validation }.OfType<EncodedData>().SelectMany(data => data.Lint.Summary.Concat(data.Lint.Warnings))],
        };

        static IReadOnlyList<TrainingRow> Single(IReadOnlyList<SupervisedExample> samples) => [.. samples.Select(sample => new TrainingRow([sample]))];
    }
}
