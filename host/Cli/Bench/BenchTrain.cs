using System.CommandLine;
using System.Globalization;
using System.Text.Json;

namespace Alpaca.Host;

/// <summary><c>alpaca bench train</c>: LoRA training on a model and data of a given shape, with and without each of the things that save time or memory.</summary>
/// <remarks>
/// Every run is a process of its own that executes the train stage on the same files; its memory is sampled from outside. Speed is real tokens a second, padding not counted, of the steps
/// after the first ones.
/// </remarks>
internal static class BenchTrain
{
    private const int WarmUpSteps = 3;

    public static Command Create(CommandContext context)
    {
        var hidden = Number("--hidden", "Width of the model", 512);
        var ffn = Number("--ffn", "Width of the feed-forward network", 1376);
        var layers = Number("--layers", "Decoder layers", 8);
        var heads = Number("--heads", "Query heads", 8);
        var keyValueHeads = Number("--kv", "Key-value heads", 8);
        var vocabulary = Number("--vocab", "Pieces of the vocabulary", 49_954);
        var length = Number("--seq", "Longest sample in tokens", 512);
        var batch = Number("--batch", "Samples of a forward pass", 8);
        var steps = Number("--steps", $"Optimizer steps of a run, {WarmUpSteps} more than are measured", 12);
        var rank = Number("--rank", "LoRA rank, on all projections", 8);
        var repetitions = Number("--repetitions", "How often every run is made", 1);
        var fill = new Option<double?>("--fill") { Description = "Mean length of a sample as a part of the longest; lengths are uniform around it [default: 0.55]", HelpName = "PART" };
        var response = new Option<double?>("--response") { Description = "Part of a sample that is its answer [default: 0.4]", HelpName = "PART" };
        var embeddings = new Option<bool>("--embeddings") { Description = "Train embed_tokens and lm_head in full as well [default: false]" };
        var precision = new Option<string>("--precision") { Description = "Element type of the frozen weights [default: fp32]", HelpName = "fp32|bf16|fp16", DefaultValueFactory = _ => "fp32" };
        var device = new Option<string>("--device") { Description = "Where to train [default: cpu]", HelpName = "cpu|cuda|cuda:N", DefaultValueFactory = _ => "cpu" };
        var runs = new Option<string?>("--runs") { Description = $"Which runs, comma separated [default: all]: {string.Join("; ", TrainingLevers.All.Select(l => l.Name))}", HelpName = "NAME,..." };
        var scratch = new Option<string?>("--scratch-dir") { Description = "Folder for the model; what is written there is deleted again [default: the system's temporary folder]", HelpName = "DIR" };

        var command = new Command("train", "Train LoRA on a model of a given shape, with and without each of the things that save time or memory");
        NumberOption[] numbers = [hidden, ffn, layers, heads, keyValueHeads, vocabulary, length, batch, steps, rank, repetitions];
        foreach (var number in numbers) command.AddNumber(number.Option, number == steps ? WarmUpSteps + 1 : 1);
        command.AddNumber(fill, 0.1, 1);
        command.AddNumber(response, 0.01, 0.99);
        foreach (var option in (Option[])[embeddings, precision, device, runs, scratch, context.Options.Json]) command.Add(option);
        command.Validators.Add(result =>
        {
            if (result.GetValue(runs) is not { } names) return;
            var unknown = names.Split(',').Where(name => TrainingLevers.All.All(l => l.Name != name)).ToList();
            if (unknown.Count > 0) result.AddError($"--runs has no {string.Join(", ", unknown)}; there are {string.Join(", ", TrainingLevers.All.Select(l => l.Name))}.");
        });
        command.SetAction(async (parse, cancellationToken) =>
        {
            int Value(NumberOption number) => parse.GetValue(number.Option) ?? number.Default;
            var config = WeightShape.Llama(Value(hidden), Value(ffn), Value(layers), Value(heads), Value(keyValueHeads)) with { VocabSize = Value(vocabulary) };
            var shape = new TrainingShape(config, Value(length), Value(batch), Value(steps), Value(rank), parse.GetValue(fill) ?? 0.55, parse.GetValue(response) ?? 0.4);
            var usesGpu = parse.GetValue(device)!.StartsWith("cuda", StringComparison.OrdinalIgnoreCase);
            IReadOnlyList<string> fixedOptions =
            [
                "--device", parse.GetValue(device)!, "--precision", parse.GetValue(precision)!, .. parse.GetValue(embeddings) ? (string[])["--modules-to-save", "embed_tokens,lm_head"] : [],
            ];
            var chosen = parse.GetValue(runs) is { } names ? names.Split(',') : [.. TrainingLevers.All.Select(l => l.Name)];
            var report = await RunAsync(
                context, shape, fixedOptions, usesGpu, [.. TrainingLevers.All.Where(l => chosen.Contains(l.Name))], Value(repetitions), parse.GetValue(scratch), cancellationToken);
            report.Write(context.Console, parse.GetValue(context.Options.Json));
            return ExitCodes.Success;
        });
        return command;
    }

    private static NumberOption Number(string name, string description, int value)
        => new(new Option<int?>(name) { Description = string.Create(CultureInfo.InvariantCulture, $"{description} [default: {value}]"), HelpName = "N" }, value);

    private static async Task<BenchReport> RunAsync(
        CommandContext context, TrainingShape shape, IReadOnlyList<string> options, bool usesGpu, IReadOnlyList<TrainingLevers> runs, int repetitions, string? scratch, CancellationToken cancellationToken)
    {
        var folder = scratch is null ? Directory.CreateTempSubdirectory("alpaca-bench-").FullName : Path.Combine(Directory.CreateDirectory(scratch).FullName, "bench-train");
        try
        {
            var inputs = TrainingBenchInputs.Make(Path.Combine(folder, "inputs"), shape, cancellationToken);
            var figures = runs.ToDictionary(run => run, _ => new List<TrainingFigures>());
            for (var i = 0; i < repetitions; i++)
            {
                foreach (var run in runs)
                {
                    var output = Path.Combine(folder, "run");
                    DurableFolder.TryDelete(output);
                    var (child, deviceMegabytes) = await DeviceMemory.WatchAsync(
                        usesGpu,
                        ChildProcess.RunSelfAsync(["stage", "train", .. inputs.Options, .. options, .. run.Options, "--output-dir", output], cancellationToken));
                    var found = Read(Path.Combine(output, "train_log.jsonl"), child.PeakAnonymousBytes, deviceMegabytes);
                    figures[run].Add(found);
                    context.Console.Error.WriteLine(string.Create(
                        CultureInfo.InvariantCulture,
                        $"{i + 1} of {repetitions}, {run.Name}: {found.TokensPerSecond:0} tokens/s, {found.PeakMegabytes:0} MiB{(found.PeakDeviceMegabytes == 0 ? "" : $", {found.PeakDeviceMegabytes:0} MiB on the device")}, last loss {found.LastLoss:0.0000}"));
                }
            }

            return new BenchReport("train", [.. Results(runs, figures)]);
        }
        finally
        {
            DurableFolder.TryDelete(folder);
        }
    }

    private static IEnumerable<BenchResult> Results(IReadOnlyList<TrainingLevers> runs, Dictionary<TrainingLevers, List<TrainingFigures>> figures)
    {
        foreach (var run in runs)
        {
            var found = figures[run];
            yield return BenchResult.Of($"{run.Name}: speed", "tokens/s", [.. found.Select(f => f.TokensPerSecond)]);
            yield return BenchResult.Of($"{run.Name}: peak anonymous memory", "MiB", [.. found.Select(f => f.PeakMegabytes)]);
            if (found.Any(f => f.PeakDeviceMegabytes > 0)) yield return BenchResult.Of($"{run.Name}: peak device memory", "MiB", [.. found.Select(f => f.PeakDeviceMegabytes)]);
            yield return BenchResult.Of($"{run.Name}: last loss", "", [.. found.Select(f => f.LastLoss)]);
        }

        if (runs.FirstOrDefault(r => r.Name == TrainingLevers.Nothing) is { } nothing && runs.FirstOrDefault(r => r.Name == TrainingLevers.Default) is { } byDefault)
        {
            var pairs = figures[byDefault].Zip(figures[nothing]).ToList();
            yield return BenchResult.Of($"{TrainingLevers.Default} / {TrainingLevers.Nothing}: speed", "", [.. pairs.Select(p => p.First.TokensPerSecond / p.Second.TokensPerSecond)]);
            yield return BenchResult.Of($"{TrainingLevers.Default} / {TrainingLevers.Nothing}: peak anonymous memory", "", [.. pairs.Select(p => p.First.PeakMegabytes / p.Second.PeakMegabytes)]);
        }
    }

    private static TrainingFigures Read(string log, long peakBytes, double deviceMegabytes)
    {
        var (tokens, seconds, loss) = (0.0, 0.0, 0.0);
        foreach (var line in File.ReadLines(log))
        {
            using var document = JsonDocument.Parse(line);
            if (!document.RootElement.TryGetProperty("loss", out var value)) continue;
            loss = value.GetDouble();
            if (document.RootElement.GetProperty("step").GetInt32() <= WarmUpSteps) continue;
            tokens += document.RootElement.GetProperty("tokens").GetDouble();
            seconds += document.RootElement.GetProperty("tokens").GetDouble() / document.RootElement.GetProperty("tokensPerSecond").GetDouble();
        }

        return new TrainingFigures(tokens / seconds, peakBytes / (double)(1 << 20), deviceMegabytes, loss);
    }

    /// <param name="Option">The option.</param>
    /// <param name="Default">Its value where it is not given.</param>
    private sealed record NumberOption(Option<int?> Option, int Default);

    private sealed record TrainingFigures(double TokensPerSecond, double PeakMegabytes, double PeakDeviceMegabytes, double LastLoss);
}
