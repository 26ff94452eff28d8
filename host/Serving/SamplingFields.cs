using System.Text.Json;
using Alpaca.Abstractions;

namespace Alpaca.Host;

/// <summary>The fields that both kinds of completion have.</summary>
/// <param name="Model">The model's name; <see langword="null"/> for the first.</param>
/// <param name="Options">How tokens are chosen; <see cref="GenerationOptions.MaxNewTokens"/> may be more than there is room for.</param>
/// <param name="StopStrings">Texts that end an answer.</param>
/// <param name="Count">How many answers to each prompt.</param>
/// <param name="IsStreamed">Whether the answer comes in parts.</param>
/// <param name="IncludesUsage">Whether the last part of a streamed answer has the usage.</param>
internal sealed record SamplingFields(string? Model, GenerationOptions Options, IReadOnlyList<string> StopStrings, int Count, bool IsStreamed, bool IncludesUsage)
{
    private const int MaxStopStrings = 16;
    private const int MaxCount = 16;

    /// <summary>Reads them; what is wrong is added to the fields' problems.</summary>
    public static SamplingFields Read(RequestFields fields)
    {
        var defaults = new GenerationOptions();
        var temperature = fields.Number("temperature", 0, 2) ?? defaults.Temperature;
        var maxTokens = fields.Integer("max_tokens", 1);
        var options = new GenerationOptions
        {
            MaxNewTokens = fields.Integer("max_completion_tokens", 1) ?? maxTokens ?? defaults.MaxNewTokens,
            Temperature = temperature,
            TopP = fields.Number("top_p", 0, 1, isAbove: true) ?? defaults.TopP,
            TopK = fields.Integer("top_k", 0) ?? defaults.TopK,
            MinP = fields.Number("min_p", 0, 1) ?? defaults.MinP,
            PresencePenalty = fields.Number("presence_penalty", -2, 2) ?? defaults.PresencePenalty,
            FrequencyPenalty = fields.Number("frequency_penalty", -2, 2) ?? defaults.FrequencyPenalty,
            Seed = Seed(fields),
        };
        // Left alone it depends on the temperature.
        if (fields.Number("repetition_penalty", 0, 10, isAbove: true) is { } penalty) options = options with { RepetitionPenalty = penalty };

        fields.Refuse("logit_bias", "cannot be used with this server; leave it out.");
        return new SamplingFields(
            fields.Text("model"), options, Stops(fields), fields.Integer("n", 1, MaxCount) ?? 1, fields.Flag("stream") ?? false, IncludeUsage(fields));
    }

    private static int? Seed(RequestFields fields)
    {
        if (fields.Find("seed") is not { } value) return null;
        if (value.ValueKind == JsonValueKind.Number && value.TryGetInt64(out var seed)) return unchecked((int)seed);
        fields.Add("seed", "must be a whole number of at most 64 bits.");
        return null;
    }

    private static List<string> Stops(RequestFields fields)
    {
        var stops = new List<string>();
        if (fields.Find("stop") is not { } value) return stops;
        if (RequestFields.TextOf(value) is { } single) stops.Add(single);
        else if (value.ValueKind == JsonValueKind.Array && value.GetArrayLength() <= MaxStopStrings && value.EnumerateArray().All(entry => RequestFields.TextOf(entry) is not null))
            stops.AddRange(value.EnumerateArray().Select(entry => entry.GetString()!));
        else fields.Add("stop", $"must be a string or an array of at most {MaxStopStrings} strings.");
        stops.RemoveAll(text => text.Length == 0);
        return stops;
    }

    private static bool IncludeUsage(RequestFields fields)
    {
        if (fields.Find("stream_options") is not { } options) return false;
        if (options.ValueKind == JsonValueKind.Object)
        {
            if (!options.TryGetProperty("include_usage", out var include) || include.ValueKind is JsonValueKind.Null or JsonValueKind.False) return false;
            if (include.ValueKind == JsonValueKind.True) return true;
        }

        fields.Add("stream_options", "must be an object whose include_usage is true or false.");
        return false;
    }
}
