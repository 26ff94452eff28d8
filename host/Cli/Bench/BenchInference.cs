using System.CommandLine;
using System.Globalization;
using Alpaca.Abstractions;
using Alpaca.Formats;

namespace Alpaca.Host;

/// <summary><c>alpaca bench inference</c>: reading prompts and decoding, by backend and precision, in turns with each other and with llama.cpp.</summary>
/// <remarks>Each contender is a process of its own that has its model loaded all the time and does nothing while another one has its turn.</remarks>
internal static class BenchInference
{
    private const int Seed = 1;
    private const string DefaultShape = "242M", DefaultStreamsShape = "58M";
    private const string DefaultRuns = "torch:fp32,torch:bf16,onnx:fp32,onnx:int8,onnx:int4", DefaultStreamsRuns = "onnx:fp32";

    public static Command Create(CommandContext context)
    {
        var names = WeightShape.All.Select(s => s.Name).ToArray();
        var shape = new Option<string?>("--shape") { Description = $"Whose shape to make a model of from a seed [default: {DefaultShape}, with --streams {DefaultStreamsShape}]", HelpName = string.Join('|', names) };
        var model = new Option<string?>("--model") { Description = "A Hugging Face folder to measure on instead", HelpName = "DIR" };
        var runs = new Option<string?>("--runs") { Description = $"Backends and precisions, comma separated; onnx:int4:128 has blocks of 128 weights [default: {DefaultRuns}, with --streams {DefaultStreamsRuns}]", HelpName = "BACKEND:PRECISION,..." };
        var peer = new Option<string?>("--peer") { Description = "Measure llama.cpp beside them: llama.cpp for q4_0 and f32, or llama.cpp:TYPE,... [default: none]", HelpName = "llama.cpp" };
        var prefill = new Option<int?>("--prefill") { Description = "Tokens of a prompt [default: 128]", HelpName = "N" };
        var decode = new Option<int?>("--decode") { Description = "Tokens decoded after the first [default: 128]; with --streams, tokens of a stream [default: 64]", HelpName = "N" };
        var repetitions = new Option<int?>("--repetitions") { Description = "Turns of each [default: 5]", HelpName = "N" };
        var threads = new Option<int?>("--threads") { Description = "Threads of each [default: 2]", HelpName = "N" };
        var batch = new Option<string>("--batch") { Description = "How many sequences at a time, comma separated [default: 1]", HelpName = "N,...", DefaultValueFactory = _ => "1" };
        var streams = new Option<int?>("--streams") { Description = "Measure continuous batching with so many streams instead [default: none]", HelpName = "N" };
        var device = new Option<string>("--device") { Description = "Where to run [default: cpu]", HelpName = "cpu|cuda|cuda:N", DefaultValueFactory = _ => "cpu" };
        var scratch = new Option<string?>("--scratch-dir") { Description = "Folder for the models; what is written there is deleted again [default: the system's temporary folder]", HelpName = "DIR" };

        var command = new Command("inference", "Read prompts and decode, by backend and precision, in turns with each other and with llama.cpp") { shape, model, runs, peer };
        command.AddNumber(prefill, 1);
        command.AddNumber(decode, 4);
        command.AddNumber(repetitions, 1);
        command.AddNumber(threads, 1);
        command.Add(batch);
        command.AddNumber(streams, 2);
        foreach (var option in (Option[])[device, scratch, context.Options.Json]) command.Add(option);
        command.Validators.Add(result =>
        {
            if (result.GetValue(shape) is { } name && !names.Contains(name)) result.AddError($"--shape is '{name}'; it must be one of {string.Join(", ", names)}.");
            if (result.GetValue(shape) is not null && result.GetValue(model) is not null) result.AddError("--shape and --model exclude each other.");
            if (result.GetValue(runs) is { } list && InferenceRun.TryParse(list, out _) is { } problem) result.AddError($"--runs: {problem}.");
            if (result.GetValue(peer) is { } peers && PeerTypes(peers) is null) result.AddError($"--peer is '{peers}'; it must be llama.cpp, or llama.cpp:TYPE with {string.Join(", ", LlamaCppPeer.Types)}.");
            if (result.GetResult(batch) is { Implicit: false } && Counts(result.GetValue(batch)!) is null) result.AddError($"--batch is '{result.GetValue(batch)}'; it must be whole numbers from 1, separated by commas.");
            if (result.GetValue(streams) is not null && result.GetResult(batch) is { Implicit: false }) result.AddError("--streams and --batch exclude each other.");
            if (result.GetValue(streams) is not null && result.GetValue(peer) is not null) result.AddError("--streams and --peer exclude each other: continuous batching is compared with itself.");
        });
        command.SetAction(async (parse, cancellationToken) =>
        {
            var count = parse.GetValue(streams);
            var options = new InferenceBenchOptions(
                parse.GetValue(prefill) ?? 128, parse.GetValue(decode) ?? (count is null ? 128 : 64), parse.GetValue(repetitions) ?? 5, parse.GetValue(threads) ?? 2, parse.GetValue(device)!,
                count is null ? Counts(parse.GetValue(batch)!)! : [count.Value], parse.GetValue(context.Options.Config));
            _ = InferenceRun.TryParse(parse.GetValue(runs) ?? (count is null ? DefaultRuns : DefaultStreamsRuns), out var chosen);
            var name = parse.GetValue(shape) ?? (count is null ? DefaultShape : DefaultStreamsShape);
            var report = await RunAsync(context.Console, parse.GetValue(model), name, chosen, PeerTypes(parse.GetValue(peer) ?? "") ?? [], options, count is not null, parse.GetValue(scratch), cancellationToken);
            report.Write(context.Console, parse.GetValue(context.Options.Json));
            return ExitCodes.Success;
        });
        return command;
    }

    private static async Task<BenchReport> RunAsync(
        CommandConsole console, string? model, string shape, IReadOnlyList<InferenceRun> runs, List<string> peers, InferenceBenchOptions options, bool areStreams, string? scratch,
        CancellationToken cancellationToken)
    {
        var modules = peers.Count > 0 ? LlamaCppPeer.FindModules() : "";
        var folder = scratch is null ? Directory.CreateTempSubdirectory("alpaca-bench-").FullName : Path.Combine(Directory.CreateDirectory(scratch).FullName, "bench-inference");
        var contenders = new List<InferenceContender>();
        DurableFolder.TryDelete(folder); // what a run left there that was killed
        try
        {
            var source = model is null ? Make(shape, Path.Combine(folder, "model"), cancellationToken) : Path.GetFullPath(model);
            var config = LlamaConfig.Load(source);
            var needed = options.Prefill + options.Decode + 1;
            if (needed > config.MaxPositionEmbeddings) throw new AlpacaUsageException($"--prefill and --decode take {needed} positions, but the model's context has {config.MaxPositionEmbeddings}; lower them.");

            // All are prepared before any is loaded, so that no load competes with an export.
            var programs = new List<(string Name, bool CanSample, IReadOnlyList<string> Program)>();
            foreach (var run in runs) programs.Add((run.Name, true, SelfProgram.With(InferenceWorker.Arguments(run, await PrepareAsync(run, source, folder, cancellationToken), options))));
            foreach (var type in peers)
                programs.Add(($"{LlamaCppPeer.Name}:{type}", false, await LlamaCppPeer.PrepareAsync(modules, source, type, Path.Combine(folder, "peer"), config.MaxPositionEmbeddings, options, cancellationToken)));
            foreach (var (name, canSample, program) in programs) contenders.Add(await InferenceContender.StartAsync(name, canSample, program, cancellationToken));

            return new BenchReport("inference", areStreams
                ? await new InferenceConcurrency(console, options, config.VocabSize).MeasureAsync(contenders, cancellationToken)
                : await new InferenceThroughput(console, options, config.VocabSize).MeasureAsync(contenders, cancellationToken));
        }
        finally
        {
            foreach (var contender in contenders) await contender.DisposeAsync();
            DurableFolder.TryDelete(folder);
        }
    }

    private static string Make(string shape, string folder, CancellationToken cancellationToken)
    {
        Directory.CreateDirectory(folder);
        new SyntheticWeights(WeightShape.All.Single(s => s.Name == shape), Seed, NullProgress.Instance, cancellationToken).WriteModel(folder);
        return folder;
    }

    private static async Task<string> PrepareAsync(InferenceRun run, string model, string folder, CancellationToken cancellationToken)
    {
        if (!run.NeedsExport) return model;
        var output = Path.Combine(folder, run.Name.Replace(':', '-'));
        string[] blocks = run.BlockSize is { } size ? ["--block-size", InferenceBenchOptions.Text(size)] : [];
        await ChildProcess.RunSelfAsync(["stage", "export", "--model", model, "--precision", run.Precision.ToString().ToLowerInvariant(), "--output-dir", output, .. blocks], cancellationToken);
        return output;
    }

    /// <summary>The types that <c>--peer</c> names; <see langword="null"/> when it names something else.</summary>
    private static List<string>? PeerTypes(string peers)
    {
        var types = new List<string>();
        foreach (var peer in peers.Split(',', StringSplitOptions.TrimEntries))
        {
            if (peer == LlamaCppPeer.Name) types.AddRange(["q4_0", "f32"]);
            else if (peer.Split(':') is [LlamaCppPeer.Name, var type] && LlamaCppPeer.Types.Contains(type)) types.Add(type);
            else return null;
        }

        return [.. types.Distinct()];
    }

    private static int[]? Counts(string text)
    {
        var parts = text.Split(',', StringSplitOptions.TrimEntries);
        var counts = parts.Select(part => int.TryParse(part, NumberStyles.None, CultureInfo.InvariantCulture, out var count) ? count : 0).Distinct().ToArray();
        return counts.All(count => count > 0) ? counts : null;
    }
}
