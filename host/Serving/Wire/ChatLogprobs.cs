namespace Alpaca.Host;

/// <summary>Log-probabilities of an answer's tokens.</summary>
internal sealed record ChatLogprobs(IReadOnlyList<TokenLogprob> Content)
{
    public static ChatLogprobs Of(IEnumerable<AnswerToken> tokens) => new([.. tokens.Select(token => TokenLogprob.Of(token, [.. token.Alternatives.Select(a => TokenLogprob.Of(a, null))]))]);
}

/// <summary>A token with the natural logarithm of its probability.</summary>
/// <param name="Token">Its text.</param>
/// <param name="Logprob">At most 0.</param>
/// <param name="Bytes">Its text in UTF-8, perhaps only some bytes of a character.</param>
/// <param name="TopLogprobs">The most probable tokens in its place; <see langword="null"/> for one of those.</param>
internal sealed record TokenLogprob(string Token, float Logprob, IReadOnlyList<int> Bytes, IReadOnlyList<TokenLogprob>? TopLogprobs)
{
    // JSON has no infinity; this is what other servers write for what cannot be said.
    private const float Impossible = -9999;

    public static TokenLogprob Of(AnswerToken token, IReadOnlyList<TokenLogprob>? alternatives)
        => new(token.Text, Finite(token.LogProbability), [.. token.Bytes.ToArray().Select(b => (int)b)], alternatives);

    public static float Finite(float logProbability) => Math.Max(logProbability, Impossible);
}
