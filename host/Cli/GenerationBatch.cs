using Alpaca.Abstractions;

namespace Alpaca.Host;

/// <summary>Answers many prompts, as many at a time as the model decodes together.</summary>
/// <param name="model">The model.</param>
/// <param name="options">How tokens are chosen. The answers to one prompt have the seeds seed, seed + 1, ... where there is one.</param>
/// <param name="stopStrings">Texts that end an answer.</param>
/// <param name="answersEach">Answers to each prompt, at least 1.</param>
/// <param name="concurrency">Answers at a time, at least 1.</param>
internal sealed class GenerationBatch(ModelHandle model, GenerationOptions options, IReadOnlyList<string> stopStrings, int answersEach, int concurrency)
{
    public ModelHandle Model => model;

    public int AnswersEach => answersEach;

    /// <summary>The first answer to a prompt, as it comes.</summary>
    public IAsyncEnumerable<string> StreamAsync(GenerationPrompt prompt, Answer answer, CancellationToken cancellationToken)
        => model.AnswerAsync(prompt.Ids, options, answer, stopStrings, cancellationToken);

    /// <summary>Answers all prompts.</summary>
    /// <param name="prompts">The prompts.</param>
    /// <param name="answered">Called with each answer in the order of the prompts, never twice at a time, as soon as it and all before it are complete.</param>
    /// <param name="cancellationToken">Ends all of them between tokens.</param>
    public async Task AnswerAsync(IReadOnlyList<GenerationPrompt> prompts, Action<GenerationPrompt, Answer> answered, CancellationToken cancellationToken)
    {
        var answers = new Answer?[prompts.Count * answersEach];
        var told = 0;
        var telling = new Lock();
        var parallel = new ParallelOptions { MaxDegreeOfParallelism = concurrency, CancellationToken = cancellationToken };
        await Parallel.ForAsync(0, answers.Length, parallel, async (index, ending) =>
        {
            var own = options.Seed is { } seed ? options with { Seed = unchecked(seed + (index % answersEach)) } : options;
            var answer = new Answer();
            await foreach (var _ in model.AnswerAsync(prompts[index / answersEach].Ids, own, answer, stopStrings, ending))
            {
                // The text is gathered in the answer.
            }

            lock (telling)
            {
                answers[index] = answer;
                for (; told < answers.Length && answers[told] is { } next; told++) answered(prompts[told / answersEach], next);
            }
        });
    }
}
