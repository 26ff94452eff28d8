using System.Text.Json;

namespace Alpaca.Host;

/// <summary>What <c>/v1/completions</c> is asked.</summary>
/// <param name="Prompts">What is continued.</param>
/// <param name="Sampling">How it is continued.</param>
/// <param name="HasLogprobs">Whether the log-probabilities are wanted.</param>
/// <param name="Echoes">Whether each prompt stands before its continuation.</param>
internal sealed record CompletionRequest(IReadOnlyList<TextInput> Prompts, SamplingFields Sampling, bool HasLogprobs, bool Echoes)
{
    private const int MaxPrompts = 128;

    /// <summary>Reads it.</summary>
    /// <exception cref="ApiException">Something is wrong with it; everything is named.</exception>
    public static CompletionRequest Read(JsonElement body)
    {
        var fields = new RequestFields(body);
        var prompts = TextInput.Read(fields, "prompt", MaxPrompts);
        var sampling = SamplingFields.Read(fields);
        var top = fields.Integer("logprobs", 0, 20);
        if (top is { } count) sampling = sampling with { Options = sampling.Options with { TopLogProbabilities = count } };
        if (fields.Integer("best_of", 1) is { } best && best != sampling.Count) fields.Add("best_of", "must be n or absent.");
        fields.Refuse("suffix", "cannot be used: the model only continues a text.");
        var echoes = fields.Flag("echo") ?? false;
        fields.ThrowIfAny();
        return new CompletionRequest(prompts, sampling, top is not null, echoes);
    }
}
