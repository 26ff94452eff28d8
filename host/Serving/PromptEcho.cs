using Alpaca.Abstractions;

namespace Alpaca.Host;

/// <summary>A prompt as it stands before its continuation.</summary>
/// <param name="Text">Its text.</param>
/// <param name="Tokens">Its tokens' texts with their log-probabilities, beginning-of-sequence left out; empty unless they were asked for.</param>
internal sealed record PromptEcho(string Text, IReadOnlyList<(string Text, float? LogProbability)> Tokens)
{
    public static PromptEcho None { get; } = new("", []);

    /// <summary>Writes a prompt out, and weighs it if that is asked for.</summary>
    public static async Task<PromptEcho> OfAsync(ModelLease lease, IReadOnlyList<int> ids, string? text, bool isWeighed, CancellationToken cancellationToken)
    {
        var tokenizer = lease.Model.Tokenizer;
        var written = text ?? tokenizer.Decode(ids);
        if (!isWeighed) return new PromptEcho(written, []);
        var logProbabilities = await ScoreAsync(lease, ids, cancellationToken);
        var tokens = new List<(string, float?)>(ids.Count);
        for (var i = 0; i < ids.Count; i++)
        {
            if (i == 0 && ids[0] == tokenizer.BosId) continue;
            var token = new AnswerToken(tokenizer, ids[i], 0, beginsText: tokens.Count == 0);
            tokens.Add((token.Text, i == 0 ? null : logProbabilities[i - 1]));
        }

        return new PromptEcho(written, tokens);
    }

    /// <summary>For each id but the first, its log-probability: [ids - 1].</summary>
    private static async Task<float[]> ScoreAsync(ModelLease lease, IReadOnlyList<int> ids, CancellationToken cancellationToken)
    {
        try
        {
            return ids.Count < 2 ? [] : await lease.Model.Generator.ScoreAsync(ids, lease.Adapter, cancellationToken);
        }
        catch (AlpacaException e)
        {
            throw ApiException.Invalid(e.Message, "logprobs"); // the backend does not score
        }
    }
}
