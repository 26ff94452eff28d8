using System.Text.Json;
using System.Text.Json.Serialization;

namespace Alpaca.Host;

/// <summary>What a contender of <c>bench inference</c> generates in one go; a line of JSON on its standard input.</summary>
/// <param name="Prompts">A prompt for each stream, as ids.</param>
/// <param name="NewTokens">Tokens that each stream adds, 2 or more where decoding is timed.</param>
internal sealed record InferenceTurn(IReadOnlyList<int[]> Prompts, int NewTokens)
{
    /// <summary>Whether the most likely token is taken, instead of sampling with the default options.</summary>
    public bool IsGreedy { get; init; } = true;

    /// <summary>Seed of the sampling.</summary>
    public int Seed { get; init; }

    /// <summary>When the streams start.</summary>
    public StreamArrival Arrival { get; init; }
}

/// <summary>When streams start.</summary>
internal enum StreamArrival
{
    /// <summary>All at once.</summary>
    Together,

    /// <summary>Each when the one before has ended.</summary>
    OneByOne,

    /// <summary>The last one once all others decode, all others at once.</summary>
    LastWhileOthersDecode,
}

/// <summary>What a turn took; a line of JSON on the contender's standard output.</summary>
/// <param name="FirstTokenSeconds">For each stream, from its start to its first token.</param>
/// <param name="Seconds">From the start to the last token of all.</param>
/// <param name="DecodeSeconds">The time in which all streams are past their prompts and none has ended.</param>
/// <param name="DecodedTokens">Tokens of all streams in that time.</param>
/// <param name="Ids">The tokens of the first stream.</param>
internal sealed record InferenceTurnFigures(IReadOnlyList<double> FirstTokenSeconds, double Seconds, double DecodeSeconds, int DecodedTokens, IReadOnlyList<int> Ids)
{
    /// <summary>Managed bytes allocated in that time by the whole process; <see langword="null"/> for one without a managed heap.</summary>
    public long? AllocatedBytes { get; init; }

    /// <summary>Tokens a second, of all streams together; 0 where the first had ended before the last began.</summary>
    [JsonIgnore]
    public double DecodeRate => DecodedTokens == 0 ? 0 : DecodedTokens / DecodeSeconds;
}

/// <summary>What loading took; the first line of a contender's standard output.</summary>
/// <param name="LoadSeconds">Until the model can be used; the start of the process is not in it.</param>
internal sealed record InferenceLoadFigures(double LoadSeconds);

/// <summary>The JSON between <c>bench inference</c> and its contenders.</summary>
internal static class InferenceProtocol
{
    private static readonly JsonSerializerOptions Options = new(JsonSerializerDefaults.Web);

    public static string Write<T>(T message) => JsonSerializer.Serialize(message, Options);

    public static T Read<T>(string line) => JsonSerializer.Deserialize<T>(line, Options)!;
}
