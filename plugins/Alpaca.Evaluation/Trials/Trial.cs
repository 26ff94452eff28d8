using Alpaca.Abstractions;
using Alpaca.Text;

namespace Alpaca.Evaluation;

/// <summary>What is asked of every form of a model.</summary>
/// <param name="Questions">To answer, by the most likely token each time.</param>
/// <param name="Texts">To score, each [at least 2] ids.</param>
/// <param name="StopIds">The ids that end an answer.</param>
internal sealed record Trial(IReadOnlyList<TrialQuestion> Questions, IReadOnlyList<int[]> Texts, IReadOnlyList<int> StopIds)
{
    private const int ScoredTexts = 4;
    private const int Concurrency = 8;

    /// <summary>The trial that a request asks for.</summary>
    public static Trial Of(EvaluateRequest request, EvaluationData data, ComparedModel model, int maxSeqLength) => new(
        TrialQuestion.Choose(request, data, model),
        [.. data.Validation.Take(ScoredTexts).Select(sample => SupervisedEncoder.Encode(sample, model.Tokenizer, data.Template, maxSeqLength).InputIds).Where(ids => ids.Length > 1)],
        StopTokens.Of(model.Folder, model.Tokenizer, data.Template));

    /// <summary>Loads a form of the model, puts it to the trial, and lets it go.</summary>
    /// <param name="backend">Runs it.</param>
    /// <param name="folder">Its folder.</param>
    /// <param name="device">Where it runs.</param>
    /// <param name="scores">Whether <see cref="Texts"/> are scored.</param>
    /// <param name="progress">Told how far it is.</param>
    /// <param name="cancellationToken">Ends it early.</param>
    /// <exception cref="AlpacaException">The form cannot be loaded or run.</exception>
    public async Task<TrialResult> RunAsync(IInferenceBackend backend, string folder, string device, bool scores, IStageProgress progress, CancellationToken cancellationToken)
    {
        using var task = progress.Start($"trying {backend.Name}", Questions.Count + (scores ? Texts.Count : 0), ProgressUnit.Items);
        var context = Questions.Select(question => question.PromptIds.Count + question.MaxNewTokens).Concat(Texts.Select(text => text.Length)).DefaultIfEmpty(1).Max();
        var options = new InferenceOptions { Device = device, ContextLength = context, MaxConcurrency = Math.Clamp(Questions.Count, 1, Concurrency), ReusePrefixes = false };
        using var generator = await backend.LoadAsync(folder, options, cancellationToken).ConfigureAwait(false);
        var done = 0;
        var answers = await Task.WhenAll(Questions.Select(AnswerAsync)).ConfigureAwait(false);
        var logProbabilities = new List<float[]>();
        foreach (var text in scores ? Texts : [])
        {
            logProbabilities.Add(await generator.ScoreAsync(text, cancellationToken: cancellationToken).ConfigureAwait(false));
            task.Report(Interlocked.Increment(ref done));
        }

        return new TrialResult(backend.Name, answers, logProbabilities);

        async Task<IReadOnlyList<int>> AnswerAsync(TrialQuestion question)
        {
            var ids = new List<int>();
            var greedy = new GenerationOptions { Temperature = 0, MaxNewTokens = question.MaxNewTokens, StopIds = StopIds };
            await foreach (var token in generator.GenerateAsync(question.PromptIds, greedy, cancellationToken).ConfigureAwait(false)) ids.Add(token.Id);
            task.Report(Interlocked.Increment(ref done));
            return ids;
        }
    }
}
