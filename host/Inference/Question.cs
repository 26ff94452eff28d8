using System.Globalization;
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
        var key = $"{pipeline.Key}:Ask";
        var section = settings.Configuration.GetSection(key);
        if (!section.GetChildren().Any()) return null;

        var errors = new List<string>();
        var prompt = section["Prompt"] ?? "";
        if (prompt.Length == 0) errors.Add($"{key}:Prompt is missing: the question to ask.");
        var backends = section["Backends"] is { Length: > 0 } text ? OptionList.Split(text) : [.. section.GetSection("Backends").GetChildren().Select(c => c.Value ?? "")];
        if (backends.Count == 0) backends = [InferenceSettings.Read(settings).Backend];
        foreach (var unknown in backends.Where(b => !backendNames.Contains(b, StringComparer.OrdinalIgnoreCase)))
            errors.Add($"{key}:Backends names '{unknown}', which no active plugin offers (there is {string.Join(", ", backendNames)}); `alpaca plugins` says why.");
        var limit = DefaultMaxNewTokens;
        if (section["MaxNewTokens"] is { Length: > 0 } number && (!int.TryParse(number, NumberStyles.None, CultureInfo.InvariantCulture, out limit) || limit < 1))
            errors.Add($"{key}:MaxNewTokens is '{number}'; it must be a whole number from 1.");
        return errors.Count == 0 ? new Question(prompt, backends, limit) : throw new AlpacaUsageException(string.Join('\n', errors));
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
