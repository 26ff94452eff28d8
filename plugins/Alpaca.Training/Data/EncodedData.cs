using System.Runtime.ExceptionServices;
using Alpaca.Abstractions;
using Alpaca.Text;
using Microsoft.Extensions.Logging;

namespace Alpaca.Training;

/// <summary>The samples of some files as tokens.</summary>
/// <param name="Samples">Those that teach something, at least one.</param>
/// <param name="Lint">What is to be known about all of them.</param>
internal sealed record EncodedData(IReadOnlyList<SupervisedExample> Samples, DataFindings Lint)
{
    // Enough to keep all processors busy, few enough that what is encoded but not yet cut takes no memory to speak of.
    private const int SamplesEncodedTogether = 2048;

    /// <summary>Reads and encodes files of instruction data, or takes them from the cache.</summary>
    /// <param name="paths">Files and folders.</param>
    /// <param name="purpose">What they are for, in messages.</param>
    /// <param name="request">Template, length, and what becomes of longer samples.</param>
    /// <param name="tokenizer">The tokenizer.</param>
    /// <param name="context">Where the cache is and whom to tell; the default is nowhere and nobody.</param>
    /// <param name="cancellationToken">Ends it early.</param>
    /// <exception cref="AlpacaException">A file cannot be used, no sample has a supervised token, or one is too long and that shall fail.</exception>
    public static EncodedData Load(
        IReadOnlyList<string> paths, string purpose, TrainRequest request, ModelTokenizer tokenizer, StageContext? context = null, CancellationToken cancellationToken = default)
    {
        var encoding = new InstructionEncoding(request.Template, request.MaxSeqLength, request.OverLong);
        return DataCache.Of(request, context).GetOrEncode(
            new DataSource(purpose, () => InstructionDataset.FindFiles(paths), request.TokenizerNameOrPath, encoding.ToString()),
            () => Encode(paths, purpose, encoding, tokenizer, context?.Progress ?? NullProgress.Instance, cancellationToken),
            cancellationToken);
    }

    /// <summary>What was found, and the first samples as the model will see them.</summary>
    /// <param name="count">How many samples.</param>
    /// <param name="tokenizer">The one that they were encoded with.</param>
    public DataPreview Preview(int count, ModelTokenizer tokenizer)
        => new([.. Lint.Lines], [.. Samples.Take(count).Select(sample => SamplePreview.Of(sample, tokenizer))]);

    /// <summary>Tells what was found.</summary>
    public void Log(ILogger logger)
    {
        foreach (var line in Lint.Summary) logger.LogInformation("{Line}", line);
        foreach (var line in Lint.Warnings) logger.LogWarning("{Line}", line);
    }

    private static EncodedData Encode(
        IReadOnlyList<string> paths, string purpose, InstructionEncoding encoding, ModelTokenizer tokenizer, IStageProgress progress, CancellationToken cancellationToken)
    {
        var template = PromptTemplate.Get(encoding.Template);
        var end = template.FindAnswerEnd(tokenizer);
        var lint = new DataLint(purpose, encoding.MaxSeqLength);
        var samples = new List<SupervisedExample>();
        var conversations = InstructionDataset.Load(paths);
        using var task = progress.Start($"encoding {purpose} data", conversations.Count, ProgressUnit.Items);
        foreach (var together in conversations.Chunk(SamplesEncodedTogether))
        {
            foreach (var (conversation, whole) in together.Zip(EncodeTogether(together, template, tokenizer, cancellationToken)))
            {
                var trained = whole.InputIds.Length > encoding.MaxSeqLength && encoding.OverLong == OverLongSamples.Drop ? null : whole.Truncate(encoding.MaxSeqLength);
                lint.Add(conversation, whole, trained, end);
                if (trained is not null && TrainingRow.CountSupervised(trained) > 0) samples.Add(trained);
            }

            task.Report(lint.Samples);
        }

        if (encoding.OverLong == OverLongSamples.Fail && lint.OverLong > 0)
            throw new AlpacaException($"{lint.OverLong} of {conversations.Count} {purpose} samples have more than MaxSeqLength {encoding.MaxSeqLength} tokens, the first at {lint.FirstOverLong}; raise it, shorten them, or set OverLong to truncate or drop.");
        if (samples.Count == 0)
            throw new AlpacaException($"None of the {conversations.Count} {purpose} samples of {string.Join(", ", paths)} has an answer token within MaxSeqLength {encoding.MaxSeqLength}; raise it or shorten the instructions.");
        return new EncodedData(samples, lint.Findings);
    }

    private static SupervisedExample[] EncodeTogether(Conversation[] conversations, PromptTemplate template, ModelTokenizer tokenizer, CancellationToken cancellationToken)
    {
        var encoded = new SupervisedExample[conversations.Length];
        try
        {
            Parallel.For(0, encoded.Length, new ParallelOptions { CancellationToken = cancellationToken }, i => encoded[i] = SupervisedEncoder.Encode(conversations[i], tokenizer, template));
        }
        catch (AggregateException e)
        {
            ExceptionDispatchInfo.Throw(e.InnerExceptions[0]);
        }

        return encoded;
    }

    /// <summary>All options that say what tokens instruction data becomes; the encoder sees no others, and the cache's key has all of them.</summary>
    private sealed record InstructionEncoding(string Template, int MaxSeqLength, OverLongSamples OverLong);
}
