namespace Alpaca.Host;

/// <summary>How many tokens a request took.</summary>
internal sealed record Usage(int PromptTokens, int CompletionTokens, int TotalTokens, PromptTokensDetails? PromptTokensDetails)
{
    /// <summary>The usage of answers, several to a prompt; each prompt counts once.</summary>
    /// <param name="answers">The answers.</param>
    /// <param name="answersPerPrompt">How many of them in a row share a prompt.</param>
    public static Usage Of(IReadOnlyList<Answer> answers, int answersPerPrompt)
    {
        var (prompt, completion, cached) = (0, 0, 0);
        for (var i = 0; i < answers.Count; i++)
        {
            completion += answers[i].Ids.Count;
            if (i % answersPerPrompt != 0) continue;
            prompt += answers[i].PromptTokens;
            cached += answers[i].ReusedPromptTokens;
        }

        return new Usage(prompt, completion, prompt + completion, new PromptTokensDetails(cached));
    }
}

/// <summary>Where a prompt's tokens came from.</summary>
/// <param name="CachedTokens">Those whose keys and values were there already.</param>
internal sealed record PromptTokensDetails(int CachedTokens);
