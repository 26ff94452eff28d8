using System.Globalization;

namespace Alpaca.Host;

/// <summary>What continuous batching brings: many streams one after another and at once, and how long a newcomer waits.</summary>
/// <param name="console">Gets a line for each repetition.</param>
/// <param name="options">How to measure; one number of streams.</param>
/// <param name="vocabularySize">Ids of prompts are below it.</param>
internal sealed class InferenceConcurrency(CommandConsole console, InferenceBenchOptions options, int vocabularySize)
{
    private const int FirstId = 3;

    /// <summary>Measures.</summary>
    public async Task<IReadOnlyList<BenchResult>> MeasureAsync(IReadOnlyList<InferenceContender> contenders, CancellationToken cancellationToken)
    {
        var figures = contenders.ToDictionary(c => c, _ => new List<Repetition>());
        for (var i = 0; i <= options.Repetitions; i++) // The first one warms up.
        {
            foreach (var contender in contenders)
            {
                var found = await MeasureAsync(contender, i, cancellationToken);
                if (i == 0) continue;
                figures[contender].Add(found);
                console.Error.WriteLine(string.Create(
                    CultureInfo.InvariantCulture,
                    $"{i} of {options.Repetitions}, {contender.Name}: one by one {found.OneByOne:0.00} s, together {found.Together:0.00} s, first token alone {1000 * found.Alone:0} ms, as the last of all at once {1000 * found.LastAtOnce:0} ms, while the others decode {1000 * found.Newcomer:0} ms"));
            }
        }

        return [.. contenders.SelectMany(c => Results(c.Name, figures[c]))];
    }

    private async Task<Repetition> MeasureAsync(InferenceContender contender, int repetition, CancellationToken cancellationToken)
    {
        var random = new Random(repetition);
        var alone = new List<double>();
        for (var i = 0; i < 3; i++) alone.Add((await TakeTurnAsync(1, StreamArrival.Together, newTokens: 1)).FirstTokenSeconds[0]);
        var oneByOne = await TakeTurnAsync(options.MostStreams, StreamArrival.OneByOne, options.Decode);
        var together = await TakeTurnAsync(options.MostStreams, StreamArrival.Together, options.Decode);
        var late = await TakeTurnAsync(options.MostStreams, StreamArrival.LastWhileOthersDecode, options.Decode);
        return new Repetition(oneByOne.Seconds, together.Seconds, alone.Order().ElementAt(1), together.FirstTokenSeconds.Max(), late.FirstTokenSeconds[^1]);

        Task<InferenceTurnFigures> TakeTurnAsync(int streams, StreamArrival arrival, int newTokens)
        {
            int[][] prompts = [.. Enumerable.Range(0, streams).Select(_ => Enumerable.Range(0, options.Prefill).Select(_ => random.Next(FirstId, vocabularySize)).ToArray())];
            return contender.TakeTurnAsync(new InferenceTurn(prompts, newTokens) { IsGreedy = false, Seed = repetition, Arrival = arrival }, cancellationToken);
        }
    }

    private IEnumerable<BenchResult> Results(string name, List<Repetition> found)
    {
        var streams = string.Create(CultureInfo.InvariantCulture, $"{name}, {options.MostStreams} streams");
        yield return BenchResult.MedianOf($"{streams}: one by one", "s", [.. found.Select(f => f.OneByOne)]);
        yield return BenchResult.MedianOf($"{streams}: together", "s", [.. found.Select(f => f.Together)]);
        yield return BenchResult.MedianOf($"{streams}: together / one by one", "", [.. found.Select(f => f.Together / f.OneByOne)]);
        yield return BenchResult.MedianOf($"{name}: first token of one alone", "ms", [.. found.Select(f => 1000 * f.Alone)]);
        yield return BenchResult.MedianOf($"{streams}: first token of the last while the others decode", "times one alone", [.. found.Select(f => f.Newcomer / f.Alone)]);
        yield return BenchResult.MedianOf($"{streams}: first token of the last of all at once", "times one alone", [.. found.Select(f => f.LastAtOnce / f.Alone)]);
    }

    private sealed record Repetition(double OneByOne, double Together, double Alone, double LastAtOnce, double Newcomer);
}
