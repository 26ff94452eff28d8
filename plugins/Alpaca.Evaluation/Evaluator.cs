using Alpaca.Abstractions;
using Alpaca.Formats;
using Alpaca.Llama;
using Alpaca.Text;
using Microsoft.Extensions.Logging;
using static TorchSharp.torch;

namespace Alpaca.Evaluation;

/// <summary>Measures how well a model predicts the answers of instruction data: mean loss per answer token, perplexity, and accuracy of its first choice.</summary>
/// <remarks>The prompt is given and not counted, and every token weighs the same however long its sample is. Writes <c>report.json</c>.</remarks>
public sealed class Evaluator : IEvaluator
{
    /// <inheritdoc />
    public Task<EvaluationArtifact> ExecuteAsync(EvaluateRequest request, StageContext context, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(request);
        ArgumentNullException.ThrowIfNull(context);
        return Task.FromResult(Evaluate(request, context, cancellationToken));
    }

    private static EvaluationArtifact Evaluate(EvaluateRequest request, StageContext context, CancellationToken cancellationToken)
    {
        var device = TorchDevice.Parse(request.Device);
        var template = PromptTemplate.Get(request.Template);
        var samples = InstructionDataset.Load([request.ValidationFile]);
        using var files = HuggingFaceModel.Open(request.Model);
        var tokenizer = ModelTokenizer.Load(request.Model);
        if (tokenizer.VocabularySize > files.Config.VocabSize)
            throw new AlpacaException($"The tokenizer in {request.Model} has {tokenizer.VocabularySize} pieces and the model {files.Config.VocabSize} rows; put the tokenizer there that the model was made with.");

        var maxSeqLength = Math.Min(request.MaxSeqLength, files.Config.MaxPositionEmbeddings);
        var examples = samples.Select(sample => SupervisedEncoder.Encode(sample, tokenizer, template, maxSeqLength)).Where(HasTarget).ToList();
        if (examples.Count == 0)
            throw new AlpacaException($"No sample of {request.ValidationFile} has an answer token within {maxSeqLength} tokens; raise MaxSeqLength or take data with shorter prompts.");

        if (examples.Count < samples.Count)
            context.Logger.LogWarning("{Skipped} of {Samples} samples have no answer token within {MaxSeqLength} tokens and are left out", samples.Count - examples.Count, samples.Count, maxSeqLength);

        using var model = LoadModel(files, device, context, cancellationToken);
        var start = context.TimeProvider.GetTimestamp();
        var tally = Measure(model, examples, request.BatchSize, context.Progress, cancellationToken);
        var report = new EvaluationReport
        {
            EvalLoss = tally.MeanLoss,
            Perplexity = Math.Exp(tally.MeanLoss),
            TokenAccuracy = tally.Accuracy,
            Tokens = tally.Tokens,
            Samples = examples.Count,
            SkippedSamples = samples.Count - examples.Count,
            ValidationFile = Path.GetFileName(Path.TrimEndingDirectorySeparator(request.ValidationFile)),
            Template = template.Name,
            MaxSeqLength = maxSeqLength,
            Seconds = context.TimeProvider.GetElapsedTime(start).TotalSeconds,
        };
        report.Save(Path.Combine(context.OutputFolder, EvaluationReport.FileName));
        context.Logger.LogInformation("Loss {Loss:F4}, perplexity {Perplexity:F2}, accuracy {Accuracy:P1} over {Tokens} tokens", report.EvalLoss, report.Perplexity, report.TokenAccuracy, report.Tokens);
        return new EvaluationArtifact
        {
            Metrics = new Dictionary<string, double>
            {
                ["evalLoss"] = report.EvalLoss,
                ["perplexity"] = report.Perplexity,
                ["tokenAccuracy"] = report.TokenAccuracy,
                ["tokens"] = report.Tokens,
            },
        };
    }

    private static LlamaModel LoadModel(HuggingFaceModel files, Device device, StageContext context, CancellationToken cancellationToken)
    {
        using var progress = context.Progress.Start("loading", null, ProgressUnit.Bytes);
        return LlamaModel.Load(files, new LlamaModelOptions { Device = device }, progress.WithCancellation(cancellationToken));
    }

    private static SupervisedTally Measure(
        LlamaModel model, List<SupervisedExample> examples, int batchSize, IStageProgress progress, CancellationToken cancellationToken)
    {
        var tally = new SupervisedTally();
        using var task = progress.Start("evaluating", examples.Count, ProgressUnit.Items);
        var done = 0;
        // Samples of like length together waste little on padding; the longest first, so that a batch too large for the memory fails at once.
        foreach (var batch in examples.OrderByDescending(example => example.InputIds.Length).Chunk(batchSize))
        {
            cancellationToken.ThrowIfCancellationRequested();
            tally.Add(model, SupervisedBatch.Of(batch));
            task.Report(done += batch.Length);
            task.SetStatus($"loss {tally.MeanLoss:F4}");
        }

        return tally;
    }

    private static bool HasTarget(SupervisedExample example) => example.Labels.AsSpan(1).ContainsAnyExcept(SupervisedEncoder.IgnoreIndex);
}
