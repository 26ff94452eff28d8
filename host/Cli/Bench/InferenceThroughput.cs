using System.Globalization;

namespace Alpaca.Host;

/// <summary>Turns of all contenders, one after another in each repetition, so that the machine's moods meet all alike.</summary>
/// <param name="console">Gets a line for each turn.</param>
/// <param name="options">How to measure.</param>
/// <param name="vocabularySize">Ids of prompts are below it.</param>
internal sealed class InferenceThroughput(CommandConsole console, InferenceBenchOptions options, int vocabularySize)
{
    // Ids below are special in most vocabularies.
    private const int FirstId = 3;

    private readonly Dictionary<(string Contender, Mode Mode), List<InferenceTurnFigures>> _figures = [];

    /// <summary>Measures.</summary>
    /// <returns>The figures of each, and of some against others.</returns>
    public async Task<IReadOnlyList<BenchResult>> MeasureAsync(IReadOnlyList<InferenceContender> contenders, CancellationToken cancellationToken)
    {
        Mode[] modes = [.. options.Streams.SelectMany(streams => (Mode[])[new(streams, IsGreedy: true), new(streams, IsGreedy: false)])];
        for (var repetition = 0; repetition <= options.Repetitions; repetition++) // The first one warms up.
        {
            foreach (var mode in modes)
            {
                var turn = new InferenceTurn(Prompts(repetition, mode.Streams), options.Decode + 1) { IsGreedy = mode.IsGreedy, Seed = repetition };
                foreach (var contender in contenders.Where(c => mode.IsGreedy || c.CanSample))
                {
                    var figures = await contender.TakeTurnAsync(turn, cancellationToken);
                    if (repetition == 0) continue;
                    if (!_figures.TryGetValue((contender.Name, mode), out var list)) _figures[(contender.Name, mode)] = list = [];
                    list.Add(figures);
                    console.Error.WriteLine(string.Create(
                        CultureInfo.InvariantCulture,
                        $"{repetition} of {options.Repetitions}, {contender.Name}, {mode}: prefill {PrefillRate(figures):0} tokens/s, decode {figures.DecodeRate:0.0} tokens/s"));
                }
            }
        }

        return [.. contenders.SelectMany(c => Results(c, modes)), .. modes.SelectMany(mode => Comparisons(contenders, mode))];
    }

    private double PrefillRate(InferenceTurnFigures figures) => options.Prefill * figures.FirstTokenSeconds.Count / figures.FirstTokenSeconds.Max();

    private IEnumerable<BenchResult> Results(InferenceContender contender, IReadOnlyList<Mode> modes)
    {
        foreach (var mode in modes)
        {
            if (!_figures.TryGetValue((contender.Name, mode), out var figures)) continue;
            var name = $"{contender.Name}, {mode}";
            yield return BenchResult.MedianOf($"{name}: prefill", "tokens/s", [.. figures.Select(PrefillRate)]);
            yield return BenchResult.MedianOf($"{name}: decode", "tokens/s", [.. figures.Select(f => f.DecodeRate)]);
            if (figures.Any(f => f.DecodedTokens == 0)) continue; // The streams did not overlap.
            yield return BenchResult.MedianOf($"{name}: step", "ms", [.. figures.Select(f => 1000 * mode.Streams / f.DecodeRate)]);
            if (figures[0].AllocatedBytes is not null) yield return BenchResult.MedianOf($"{name}: allocated", "bytes/token", [.. figures.Select(f => f.AllocatedBytes!.Value / (double)f.DecodedTokens)]);
        }

        var (resident, peak) = contender.ReadMemory();
        yield return new BenchResult($"{contender.Name}: load", contender.LoadSeconds, 0, "s");
        yield return new BenchResult($"{contender.Name}: resident memory", resident, 0, "MiB");
        yield return new BenchResult($"{contender.Name}: peak resident memory", peak, 0, "MiB");
    }

    /// <summary>What is compared: fewer bytes with fewer bytes, float32 with float32, and each backend with the other.</summary>
    private IEnumerable<BenchResult> Comparisons(IReadOnlyList<InferenceContender> contenders, Mode mode)
    {
        foreach (var (ours, theirs) in ((string, string)[])[("onnx:int4", "llama.cpp:q4_0"), ("onnx:int8", "llama.cpp:q8_0"), ("onnx:fp32", "llama.cpp:f32"), ("torch:fp32", "onnx:fp32")])
        {
            // A peer that only takes the most likely token is compared with sampling too.
            if (Figures(ours, mode) is not { } first || (Figures(theirs, mode) ?? Figures(theirs, mode with { IsGreedy = true })) is not { } second) continue;
            yield return Ratio("prefill", PrefillRate);
            if (first.Concat(second).All(f => f.DecodedTokens > 0)) yield return Ratio("decode", f => f.DecodeRate);

            BenchResult Ratio(string what, Func<InferenceTurnFigures, double> rate)
                => BenchResult.MedianOf($"{ours} / {theirs}, {mode}: {what}", "", [.. first.Zip(second, (a, b) => rate(a) / rate(b))]);
        }

        if (!mode.IsGreedy) yield break;
        foreach (var other in contenders.Skip(1))
        {
            yield return BenchResult.MedianOf(
                $"{other.Name}, {mode}: tokens before the first that differs from {contenders[0].Name}'s", $"of {options.Decode + 1}",
                [.. Figures(other.Name, mode)!.Zip(Figures(contenders[0].Name, mode)!, (a, b) => (double)a.Ids.Zip(b.Ids).TakeWhile(pair => pair.First == pair.Second).Count())]);
        }
    }

    private List<InferenceTurnFigures>? Figures(string contender, Mode mode) => _figures.GetValueOrDefault((contender, mode));

    private int[][] Prompts(int repetition, int streams)
    {
        var random = new Random((repetition * 1000) + streams);
        return [.. Enumerable.Range(0, streams).Select(_ => Enumerable.Range(0, options.Prefill).Select(_ => random.Next(FirstId, vocabularySize)).ToArray())];
    }

    private sealed record Mode(int Streams, bool IsGreedy)
    {
        public override string ToString() => (IsGreedy ? "greedy" : "sampled") + (Streams == 1 ? "" : string.Create(CultureInfo.InvariantCulture, $", {Streams} streams"));
    }
}
