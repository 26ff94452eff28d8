using System.CommandLine;
using Alpaca.Abstractions;

namespace Alpaca.Host;

/// <summary><c>alpaca bench convert</c> and <c>alpaca bench merge</c>: a stage on real files against copying its input, in turns, and the memory it takes.</summary>
/// <remarks>The stage runs in a process of its own, whose memory is sampled from outside.</remarks>
internal static class BenchStage
{
    public static Command CreateConvert(CommandContext context)
    {
        var input = new Option<string?>("--input-dir") { Description = "Original checkpoint (required)", HelpName = "DIR" };
        return Create(context, "convert", "Convert a checkpoint, in turns with copying it", input, [], (path, _) => ["--input-dir", path]);
    }

    public static Command CreateMerge(CommandContext context)
    {
        var model = new Option<string?>("--base-model") { Description = "Base model folder (required)", HelpName = "DIR" };
        var adapters = new Option<string?>("--lora-model") { Description = "Adapter folders (required)", HelpName = "DIR,..." };
        return Create(context, "merge", "Merge adapters into a model, in turns with copying the model", model, [adapters], (path, more) => ["--base-model", path, "--lora-model", more[0]]);
    }

    private static Command Create(
        CommandContext context, string stage, string description, Option<string?> input, IReadOnlyList<Option<string?>> more, Func<string, IReadOnlyList<string>, IReadOnlyList<string>> arguments)
    {
        var scratch = new Option<string?>("--scratch-dir") { Description = "Folder on the disk to measure; what is written there is deleted again (required)", HelpName = "DIR" };
        var repetitions = new Option<int?>("--repetitions") { Description = "How often [default: 3]", HelpName = "N" };
        var keep = new Option<bool>("--keep") { Description = "Keep the output of the last repetition, in the scratch folder [default: false]" };
        var command = new Command(stage, description) { input };
        foreach (var option in more) command.Add(option);
        command.Add(scratch);
        command.AddNumber(repetitions, 1);
        command.Add(keep);
        command.Add(context.Options.Json);
        command.Validators.Add(result =>
        {
            foreach (var option in (IEnumerable<Option<string?>>)[input, .. more, scratch])
            {
                if (string.IsNullOrEmpty(result.GetValue(option))) result.AddError($"{option.Name} is missing.");
            }
        });
        command.SetAction(async (parse, cancellationToken) =>
        {
            var path = Path.GetFullPath(parse.GetValue(input)!);
            if (!Directory.Exists(path)) throw new AlpacaException($"The folder {path} does not exist; check {input.Name}, or make one with `alpaca bench weights`.");
            var folder = Path.Combine(Directory.CreateDirectory(parse.GetValue(scratch)!).FullName, $"bench-{stage}");
            string[] options = ["stage", stage, .. arguments(path, [.. more.Select(o => parse.GetValue(o)!)])];
            var report = await RunAsync(context.Console, stage, path, folder, options, parse.GetValue(repetitions) ?? 3, parse.GetValue(keep), cancellationToken);
            report.Write(context.Console, parse.GetValue(context.Options.Json));
            return ExitCodes.Success;
        });
        return command;
    }

    private static async Task<BenchReport> RunAsync(
        CommandConsole console, string stage, string input, string folder, IReadOnlyList<string> options, int repetitions, bool keep, CancellationToken cancellationToken)
    {
        List<double> copySeconds = [], stageSeconds = [], memory = [];
        for (var i = 0; i < repetitions; i++)
        {
            DurableFolder.TryDelete(folder);
            copySeconds.Add((await CopyAsync(input, folder, cancellationToken)).TotalSeconds);
            DurableFolder.TryDelete(folder);
            await SettleAsync(cancellationToken);
            var figures = await ChildProcess.RunSelfAsync([.. options, "--output-dir", folder], cancellationToken);
            await SettleAsync(cancellationToken);
            stageSeconds.Add(figures.Elapsed.TotalSeconds);
            memory.Add(figures.PeakAnonymousBytes / (double)(1 << 20));
            console.Error.WriteLine($"{i + 1} of {repetitions}: copy {copySeconds[^1]:0.0} s, {stage} {stageSeconds[^1]:0.0} s, {memory[^1]:0} MiB anonymous");
        }

        if (!keep) DurableFolder.TryDelete(folder);
        var bytes = Directory.EnumerateFiles(input, "*", SearchOption.AllDirectories).Sum(f => new FileInfo(f).Length);
        return new BenchReport(stage,
        [
            new BenchResult("input", bytes / 1e9, 0, "GB"),
            BenchResult.Of("copy", "s", copySeconds),
            BenchResult.Of(stage, "s", stageSeconds),
            BenchResult.Of("ratio", "", [.. stageSeconds.Zip(copySeconds, (s, c) => s / c)]),
            BenchResult.Of("rate", "MB/s", [.. stageSeconds.Select(s => bytes / 1e6 / s)]),
            new BenchResult("peak anonymous memory", memory.Max(), 0, "MiB"),
        ]);
    }

    // What is measured against: cp, which everybody has and trusts; on Windows the system's own copying.
    private static async Task<TimeSpan> CopyAsync(string input, string folder, CancellationToken cancellationToken)
    {
        await SettleAsync(cancellationToken);
        var time = OperatingSystem.IsWindows() ? CopyFiles(input, folder) : (await ChildProcess.RunAsync("cp", ["-r", input, folder], cancellationToken)).Elapsed;
        await SettleAsync(cancellationToken);
        return time;
    }

    private static TimeSpan CopyFiles(string input, string folder)
    {
        var started = TimeProvider.System.GetTimestamp();
        foreach (var file in Directory.EnumerateFiles(input, "*", SearchOption.AllDirectories))
        {
            var copy = Path.Combine(folder, Path.GetRelativePath(input, file));
            Directory.CreateDirectory(Path.GetDirectoryName(copy)!);
            File.Copy(file, copy);
        }

        return TimeProvider.System.GetElapsedTime(started);
    }

    // What an earlier run left unwritten must not burden the next.
    private static async Task SettleAsync(CancellationToken cancellationToken)
    {
        if (!OperatingSystem.IsWindows()) await ChildProcess.RunAsync("sync", [], cancellationToken);
    }
}
