using Alpaca.Abstractions;
using Alpaca.Text;

namespace Alpaca.Training;

/// <summary>The samples of a run, as tokens.</summary>
/// <param name="Training">Rows to train on, at least one.</param>
/// <param name="Validation">Rows to validate on; empty without validation data.</param>
internal sealed record TrainingData(IReadOnlyList<TrainingRow> Training, IReadOnlyList<TrainingRow> Validation)
{
    /// <summary>Whether rows of similar length shall stand in one forward pass, where they are shuffled.</summary>
    public bool GroupByLength { get; init; }

    /// <summary>What is to be known about the samples, a line each.</summary>
    public IReadOnlyList<string> Findings { get; init; } = [];

    /// <summary>Reads and encodes the instruction data of a request.</summary>
    /// <param name="request">Names files, template, lengths, packing.</param>
    /// <param name="tokenizer">The tokenizer.</param>
    /// <param name="context">Where tokenised data is kept; told the sizes, and what in the data teaches nothing or the wrong thing.</param>
    /// <param name="cancellationToken">Ends it early.</param>
    /// <exception cref="AlpacaException">A file cannot be used, no sample has a supervised token, or one is too long and that shall fail.</exception>
    public static TrainingData Load(TrainRequest request, ModelTokenizer tokenizer, StageContext context, CancellationToken cancellationToken)
    {
        var training = EncodedData.Load(request.DatasetDir, "training", request, tokenizer, context, cancellationToken);
        var validation = request.ValidationFile is { } file ? EncodedData.Load([file], "validation", request, tokenizer, context, cancellationToken) : null;
        training.Log(context.Logger);
        validation?.Log(context.Logger);
        return new TrainingData(Single(training.Samples), Single(validation?.Samples ?? []))
        {
            GroupByLength = request is { GroupByLength: true, Packing: false },
            Findings = FindingsOf(training, validation),
        };
    }

    /// <summary>Reads and encodes the plain text of a request.</summary>
    /// <param name="request">Names files, documents, blocks, what is held out.</param>
    /// <param name="tokenizer">The tokenizer.</param>
    /// <param name="context">Where tokenised text is kept; told the sizes, and whether the tokenizer fits.</param>
    /// <param name="cancellationToken">Ends it early.</param>
    /// <exception cref="AlpacaException">A file cannot be used, there is no text, or too little to hold some out.</exception>
    public static TrainingData Load(PretrainRequest request, ModelTokenizer tokenizer, StageContext context, CancellationToken cancellationToken)
    {
        var training = TextBlocks.Load(request.DatasetDir, "training", request, tokenizer, context, cancellationToken);
        var validation = request.ValidationFile is { } file ? TextBlocks.Load([file], "validation", request, tokenizer, context, cancellationToken) : null;
        training.Log(context.Logger);
        validation?.Log(context.Logger);
        if (request.ValidationSplit == 0) return new TrainingData(Single(training.Samples), Single(validation?.Samples ?? [])) { Findings = FindingsOf(training, validation) };

        var heldOut = ChooseHeldOut(training.Samples.Count, request);
        return new TrainingData(
            Single(training.Samples.Where((_, index) => !heldOut.Contains(index))),
            Single(training.Samples.Where((_, index) => heldOut.Contains(index)))) { Findings = FindingsOf(training, null) };
    }

    private static IReadOnlyList<string> FindingsOf(EncodedData training, EncodedData? validation)
        => [.. new[] { training, validation }.OfType<EncodedData>().SelectMany(data => data.Lint.Lines)];

    private static HashSet<int> ChooseHeldOut(int blocks, PretrainRequest request)
    {
        var count = (int)Math.Ceiling(request.ValidationSplit * blocks);
        if (count >= blocks)
            throw new AlpacaException($"ValidationSplit {request.ValidationSplit} holds out {count} of {blocks} blocks and leaves none to train on; lower it or BlockSize, or give a ValidationFile.");
        var order = Enumerable.Range(0, blocks).ToArray();
        new Random(Seeds.Derive(request.Seed, "validation split")).Shuffle(order);
        return [.. order.AsSpan(0, count)];
    }

    private static IReadOnlyList<TrainingRow> Single(IEnumerable<SupervisedExample> samples) => [.. samples.Select(sample => new TrainingRow(sample))];
}
