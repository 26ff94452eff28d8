using Alpaca.Abstractions;
using Microsoft.Extensions.Logging;

namespace Alpaca.Evaluation;

/// <summary>
/// Measures how well a model predicts the answers of instruction data, compares it with another one, lets it answer some questions, and holds its other forms against it.
/// </summary>
/// <remarks>
/// In a loss the prompt is given and not counted, and every token weighs the same however long its sample is. Models are loaded one after the other. Writes <c>report.json</c> and <c>report.md</c>.
/// </remarks>
public sealed class Evaluator : IEvaluator
{
    /// <inheritdoc />
    public async Task<EvaluationArtifact> ExecuteAsync(EvaluateRequest request, StageContext context, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(request);
        ArgumentNullException.ThrowIfNull(context);
        var start = context.TimeProvider.GetTimestamp();
        var data = EvaluationData.Load(request);
        var model = ComparedModel.Open(request.Model);
        var losses = new LossMeter(request, data, context).Measure(model, cancellationToken);
        var (smoke, forms) = await new FormTrials(request, data, context).RunAsync(model, losses.MaxSeqLength, cancellationToken).ConfigureAwait(false);
        var report = new EvaluationReport
        {
            Validation = losses.Model.Validation,
            ChampionValidation = losses.Champion?.Validation,
            Probe = losses.Model.Probe,
            ChampionProbe = losses.Champion?.Probe,
            ChampionHasOtherTokens = losses.HasOtherTokens,
            Smoke = smoke,
            Forms = forms,
            Model = request.Model,
            Champion = request.Champion,
            ValidationFile = NameOf(request.ValidationFile),
            ProbeFile = request.ProbeFile is { } probe ? NameOf(probe) : null,
            Template = data.Template.Name,
            MaxSeqLength = losses.MaxSeqLength,
            Seconds = context.TimeProvider.GetElapsedTime(start).TotalSeconds,
        };
        report.Save(Path.Combine(context.OutputFolder, EvaluationReport.FileName));
        ReportPage.Write(Path.Combine(context.OutputFolder, ReportPage.FileName), report);
        var figures = report.Validation;
        context.Logger.LogInformation("Loss {Loss:F4}, perplexity {Perplexity:F2}, accuracy {Accuracy:P1} over {Tokens} tokens", figures.Loss, figures.Perplexity, figures.TokenAccuracy, figures.Tokens);
        return new EvaluationArtifact { Metrics = report.Metrics() };
    }

    private static string NameOf(string path) => Path.GetFileName(Path.TrimEndingDirectorySeparator(path));
}
