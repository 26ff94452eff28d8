namespace Alpaca.Host;

/// <summary>Writes log-probabilities in columns, token by token, and keeps account of where each one's text begins.</summary>
internal sealed class TextLogprobsBuilder
{
    private readonly List<string> _tokens = [];
    private readonly List<float?> _logprobs = [];
    private readonly List<IReadOnlyDictionary<string, float>?> _top = [];
    private readonly List<int> _offsets = [];
    private int _offset;

    /// <summary>Adds a token of the prompt.</summary>
    /// <param name="text">Its text.</param>
    /// <param name="logProbability">Its log-probability; <see langword="null"/> for the first.</param>
    public void AddPrompt(string text, float? logProbability) => Add(text, logProbability, top: null);

    /// <summary>Adds a token of the answer.</summary>
    public void Add(AnswerToken token)
    {
        var top = new Dictionary<string, float>();
        // Tokens of different ids may have the same text; the more probable one comes first.
        foreach (var alternative in token.Alternatives) top.TryAdd(alternative.Text, TokenLogprob.Finite(alternative.LogProbability));
        Add(token.Text, token.LogProbability, top);
    }

    /// <summary>What was added since the last time.</summary>
    public TextLogprobs Take()
    {
        var taken = new TextLogprobs([.. _tokens], [.. _logprobs], [.. _top], [.. _offsets]);
        _tokens.Clear();
        _logprobs.Clear();
        _top.Clear();
        _offsets.Clear();
        return taken;
    }

    private void Add(string text, float? logProbability, Dictionary<string, float>? top)
    {
        _tokens.Add(text);
        _logprobs.Add(logProbability is { } value ? TokenLogprob.Finite(value) : null);
        _top.Add(top);
        _offsets.Add(_offset);
        _offset += text.Length;
    }
}
