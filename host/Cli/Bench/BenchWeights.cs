using System.CommandLine;
using Alpaca.Abstractions;

namespace Alpaca.Host;

/// <summary><c>alpaca bench weights</c>: makes an original checkpoint and an adapter of a real model's size from a seed.</summary>
internal static class BenchWeights
{
    public static Command Create(CommandContext context)
    {
        var names = WeightShape.All.Select(s => s.Name).ToArray();
        var shape = new Option<string>("--shape") { Description = "Whose shape", HelpName = string.Join('|', names), DefaultValueFactory = _ => "7B" };
        var seed = new Option<int?>("--seed") { Description = "Seed of the values [default: 1]", HelpName = "N" };
        var sparse = new Option<bool>("--sparse") { Description = "Make the checkpoint all zeros, which take no room on the disk [default: false]" };
        var output = new Option<string?>("--output-dir") { Description = "Folder that gets a folder named by the shape and one named adapter (required)", HelpName = "DIR" };
        var command = new Command("weights", "Make an original float16 checkpoint, and a LoRA adapter for it, of a real model's size from a seed") { shape, sparse, output };
        command.AddNumber(seed, 0);
        command.Validators.Add(result =>
        {
            if (string.IsNullOrEmpty(result.GetValue(output))) result.AddError("--output-dir is missing: the folder to make.");
            if (result.GetValue(shape) is var name && !names.Contains(name)) result.AddError($"--shape is '{name}'; it must be one of {string.Join(", ", names)}.");
        });
        command.SetAction((parse, cancellationToken) => RunAsync(
            context.Console,
            WeightShape.All.Single(s => s.Name == parse.GetValue(shape)),
            (ulong)(parse.GetValue(seed) ?? 1),
            parse.GetValue(sparse),
            Path.GetFullPath(parse.GetValue(output)!),
            cancellationToken));
        return command;
    }

    private static async Task<int> RunAsync(CommandConsole console, WeightShape shape, ulong seed, bool sparse, string output, CancellationToken cancellationToken)
    {
        string checkpoint = Path.Combine(output, shape.Name), adapter = Path.Combine(output, "adapter");
        foreach (var folder in (string[])[checkpoint, adapter])
        {
            if (Directory.Exists(folder)) throw new AlpacaUsageException($"{folder} is there already; choose another --output-dir, or delete it.");
        }

        return await ProgressDisplay.ShowAsync(console, progress =>
        {
            var weights = new SyntheticWeights(shape, seed, progress, cancellationToken);
            Make(checkpoint, folder => weights.WriteCheckpoint(folder, sparse));
            Make(adapter, weights.WriteAdapter);
            console.Error.WriteLine($"weights: {checkpoint} and {adapter}");
            return Task.FromResult(ExitCodes.Success);
        });
    }

    private static void Make(string folder, Action<string> write)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(folder)!);
        using var pending = new PendingFolder(folder);
        write(pending.Folder);
        pending.Publish();
    }
}
