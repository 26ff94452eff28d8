using Alpaca.Abstractions;

namespace Alpaca.Host;

/// <summary>A pipeline's section <c>Ask</c>: the question that its new model is asked at the end of a run.</summary>
/// <param name="Prompt">The question.</param>
/// <param name="Backends">The backends that answer it.</param>
/// <param name="MaxNewTokens">The most tokens of an answer.</param>
public sealed record Question(string Prompt, IReadOnlyList<string> Backends, int MaxNewTokens)
{
    private const int DefaultMaxNewTokens = 128;

    /// <summary>Reads the section.</summary>
    /// <returns><see langword="null"/> when there is none.</returns>
    /// <exception cref="AlpacaUsageException">It cannot be used; one line for each problem.</exception>
    public static Question? Read(AlpacaSettings settings, PipelineDefinition pipeline, IReadOnlyList<string> backendNames)
    {
        ArgumentNullException.ThrowIfNull(settings);
        ArgumentNullException.ThrowIfNull(pipeline);
        var section = new SectionReader(settings, $"{pipeline.Key}:Ask");
        if (!section.Exists) return null;

        var prompt = section.Text("Prompt");
        if (prompt is null) section.Report("Prompt", "is missing: the question to ask.");
        var backends = section.Texts("Backends");
        if (backends.Count == 0) backends = [InferenceSettings.Read(settings).Backend];
        foreach (var unknown in backends.Where(b => !backendNames.Contains(b, StringComparer.OrdinalIgnoreCase)))
            section.Report("Backends", $"names '{unknown}', which no active plugin offers (there is {string.Join(", ", backendNames)}); `alpaca plugins` says why.");
        return section.Checked(new Question(prompt ?? "", backends, section.Whole("MaxNewTokens", DefaultMaxNewTokens, 1)));
    }

    /// <summary>Asks a model, greedily.</summary>
    public async Task<string> AskAsync(ModelHandle model, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(model);
        var answer = new Answer();
        var options = new GenerationOptions { Temperature = 0, RepetitionPenalty = 1, MaxNewTokens = MaxNewTokens };
        await foreach (var _ in model.AnswerAsync(model.EncodeQuestion(Prompt), options, answer, model.Template.StopStrings, cancellationToken))
        {
            // The text is gathered in the answer.
        }

        return answer.Text.Trim();
    }
}
