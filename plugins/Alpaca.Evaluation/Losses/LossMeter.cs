using Alpaca.Abstractions;
using Alpaca.Formats;
using Alpaca.Llama;
using Alpaca.Text;
using Microsoft.Extensions.Logging;

namespace Alpaca.Evaluation;

/// <summary>Measures losses, of one model after the other, so that only one is in memory.</summary>
/// <param name="request">The options.</param>
/// <param name="data">What is measured on.</param>
/// <param name="context">Whom to tell.</param>
internal sealed class LossMeter(EvaluateRequest request, EvaluationData data, StageContext context)
{
    /// <summary>Measures the model, and the champion where there is one.</summary>
    public LossComparison Measure(ComparedModel model, CancellationToken cancellationToken)
    {
        // The same folder twice is one model, which need not be measured twice.
        var isSame = request.Champion is { } folder && IsSameFolder(folder, request.Model);
        var champion = isSame || request.Champion is null ? null : ComparedModel.Open(request.Champion);
        ComparedModel[] models = champion is null ? [model] : [model, champion];
        var length = Math.Min(request.MaxSeqLength, models.Min(each => each.Positions));
        var validation = new AnswerSet(request.ValidationFile, data.Validation, models, data.Template, length);
        var probe = data.Probe is null ? null : new AnswerSet(request.ProbeFile!, data.Probe, models, data.Template, length);
        foreach (var set in (AnswerSet?[])[validation, probe]) Warn(set, length);

        var measured = Measure(0);
        var other = isSame ? measured : champion is null ? null : Measure(1);
        var hasOtherTokens = champion is not null && !(validation.HaveSameTokens && (probe?.HaveSameTokens ?? true));
        if (hasOtherTokens)
            context.Logger.LogWarning("{Model} and {Champion} split text differently, so that their losses per token cannot be compared; compare the bits per byte", model.Folder, champion!.Folder);
        return new LossComparison(measured, other, hasOtherTokens, length);

        ModelLosses Measure(int index)
        {
            var compared = models[index];
            using var files = HuggingFaceModel.Open(compared.Folder);
            using var loaded = Load(files, cancellationToken);
            return new ModelLosses(this.Measure(loaded, compared, index, validation, cancellationToken), probe is null ? null : this.Measure(loaded, compared, index, probe, cancellationToken));
        }
    }

    private LossFigures Measure(LlamaModel loaded, ComparedModel model, int index, AnswerSet set, CancellationToken cancellationToken)
    {
        var (comparable, others) = set.Split(index);
        using var task = context.Progress.Start($"evaluating {Path.GetFileName(Path.TrimEndingDirectorySeparator(set.File))}", comparable.Count + others.Count, ProgressUnit.Items);
        var tally = new SupervisedTally();
        Add(comparable, 0);
        var bits = tally.Loss / Math.Log(2);
        Add(others, comparable.Count);
        if (!double.IsFinite(tally.MeanLoss))
            throw new AlpacaException($"The loss of the model in {model.Folder} on {set.File} is no finite number; its weights are damaged, or its training diverged: make it anew with a lower learning rate.");
        return new LossFigures
        {
            Loss = tally.MeanLoss,
            TokenAccuracy = tally.Accuracy,
            Tokens = tally.Tokens,
            Samples = comparable.Count + others.Count,
            SkippedSamples = set.Count - comparable.Count - others.Count,
            BitsPerByte = set.ComparableBytes > 0 ? bits / set.ComparableBytes : null,
        };

        void Add(List<SupervisedExample> examples, int done)
        {
            // Samples of like length together waste little on padding; the longest first, so that a batch too large for the memory fails at once.
            foreach (var batch in examples.OrderByDescending(example => example.InputIds.Length).Chunk(request.BatchSize))
            {
                cancellationToken.ThrowIfCancellationRequested();
                tally.Add(loaded, SupervisedBatch.Of(batch));
                task.Report(done += batch.Length);
                task.SetStatus($"loss {tally.MeanLoss:F4}");
            }
        }
    }

    private LlamaModel Load(HuggingFaceModel files, CancellationToken cancellationToken)
    {
        using var progress = context.Progress.Start("loading", null, ProgressUnit.Bytes);
        return LlamaModel.Load(files, new LlamaModelOptions { Device = data.Device }, progress.WithCancellation(cancellationToken));
    }

    private void Warn(AnswerSet? set, int length)
    {
        if (set?.Skipped > 0)
            context.Logger.LogWarning("{Skipped} of {Samples} samples of {File} have no answer token within {MaxSeqLength} tokens and are left out", set.Skipped, set.Count, set.File, length);
    }

    private static bool IsSameFolder(string one, string other) => Resolve(one) == Resolve(other);

    private static string Resolve(string folder)
    {
        var full = new DirectoryInfo(Path.TrimEndingDirectorySeparator(Path.GetFullPath(folder)));
        return (full.ResolveLinkTarget(returnFinalTarget: true) ?? full).FullName;
    }
}
