using Alpaca.Abstractions;

namespace Alpaca.Host;

/// <summary>Lets a loaded model say something before it is served, so that what is slow at first is over and what does not run shows.</summary>
internal static class ModelTrial
{
    // Enough to pass through the cache several times; a large model on a CPU says them in seconds.
    private const int MaxNewTokens = 8;

    /// <summary>Tries a model.</summary>
    /// <param name="model">The model.</param>
    /// <param name="prompt">A question that it must be able to answer with a token that is not the end; <see langword="null"/> for two tokens of whatever kind.</param>
    /// <param name="cancellationToken">Ends the trial between tokens.</param>
    /// <exception cref="AlpacaException">It has nothing to say, or its probabilities are no numbers.</exception>
    public static async Task RunAsync(ModelHandle model, string? prompt, CancellationToken cancellationToken)
    {
        var options = new GenerationOptions { Temperature = 0, RepetitionPenalty = 1, MaxNewTokens = prompt is null ? 2 : MaxNewTokens, StopIds = prompt is null ? [] : model.StopIds };
        var ids = prompt is null ? [model.Tokenizer.BosId ?? 0] : model.EncodeQuestion(prompt);
        var count = 0;
        await foreach (var token in model.Generator.GenerateAsync(ids, options, cancellationToken))
        {
            count++;
            if (!float.IsFinite(token.LogProbability)) throw new AlpacaException($"The model in {model.Folder} gives a token the log-probability {token.LogProbability}; its weights are damaged, or do not fit the precision.");
        }

        if (count == 0) throw new AlpacaException($"The model in {model.Folder} has no answer to '{prompt}': it ends it with the first token.");
    }
}
