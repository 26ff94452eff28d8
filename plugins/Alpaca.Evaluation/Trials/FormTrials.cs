using Alpaca.Abstractions;
using Microsoft.Extensions.Logging;

namespace Alpaca.Evaluation;

/// <summary>Puts a model and its other forms to the trial, one after the other, so that only one is in memory.</summary>
/// <param name="request">The options.</param>
/// <param name="data">What is asked.</param>
/// <param name="context">Has the backends.</param>
internal sealed class FormTrials(EvaluateRequest request, EvaluationData data, StageContext context)
{
    /// <summary>Runs the trials.</summary>
    /// <param name="model">The model.</param>
    /// <param name="maxSeqLength">The length in tokens at which texts are cut.</param>
    /// <param name="cancellationToken">Ends them early.</param>
    /// <returns>How the model's answers turned out, <see langword="null"/> without questions or a backend, and how far each form is from it.</returns>
    /// <exception cref="AlpacaException">A form cannot be run, or belongs to another model.</exception>
    public async Task<(SmokeFigures? Smoke, IReadOnlyList<FormFigures> Forms)> RunAsync(ComparedModel model, int maxSeqLength, CancellationToken cancellationToken)
    {
        var trial = Trial.Of(request, data, model, maxSeqLength);
        if (trial.Questions.Count == 0 && request.Forms.Count == 0) return (null, []);
        if (FindBackend(model.Folder) is not { } backend) return (null, []);
        var forms = request.Forms.Select(folder => (Folder: folder, Backend: FindBackend(folder))).Where(form => form.Backend is not null).ToList();
        if (trial.Questions.Count == 0 && forms.Count == 0) return (null, []);

        var result = await trial.RunAsync(backend, model.Folder, request.Device, forms.Count > 0, context.Progress, cancellationToken).ConfigureAwait(false);
        var figures = new List<FormFigures>();
        foreach (var (folder, other) in forms)
        {
            var form = await trial.RunAsync(other!, folder, request.FormsDevice, scores: true, context.Progress, cancellationToken).ConfigureAwait(false);
            var difference = form.DifferenceFrom(result);
            if (!double.IsFinite(difference))
                throw new AlpacaException($"The model in {folder} gives probabilities that are no numbers; export it anew, and in a higher precision if that does not help.");
            figures.Add(new FormFigures
            {
                Folder = folder,
                Backend = form.Backend,
                Difference = difference,
                MeanDifference = form.MeanDifferenceFrom(result),
                GreedyAgreement = trial.Questions.Count > 0 ? form.AgreementWith(result) : null,
            });
        }

        var answers = trial.Questions.Zip(result.Answers, (question, ids) => TrialAnswer.Of(question, ids, model.Tokenizer.Decode(ids.Where(id => id < model.Tokenizer.VocabularySize)))).ToList();
        return (answers.Count == 0 ? null : new SmokeFigures { Backend = result.Backend, Answers = answers }, figures);
    }

    private IInferenceBackend? FindBackend(string folder)
    {
        var backend = context.Backends.Values.FirstOrDefault(each => each.CanLoad(folder));
        if (backend is null) context.Logger.LogWarning("No inference backend runs {Folder}, which is therefore not tried", folder);
        return backend;
    }
}
