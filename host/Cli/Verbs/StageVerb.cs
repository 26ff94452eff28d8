using System.CommandLine;
using System.CommandLine.Parsing;
using Alpaca.Abstractions;

namespace Alpaca.Host;

/// <summary><c>alpaca stage ROLE</c>: one stage alone, on explicit paths. Its options are the properties of the stage's request.</summary>
internal static class StageVerb
{
    public const string Name = "stage";

    /// <summary>Creates the verb.</summary>
    /// <param name="context">The command's context.</param>
    /// <param name="engine">The engine with the stages; <see langword="null"/> before the configuration is known, when the verb takes whatever follows it.</param>
    public static Command Create(CommandContext context, CommandEngine? engine)
    {
        var command = new Command(Name, "Run one stage alone on explicit paths; `alpaca stage ROLE --help` lists its options") { TreatUnmatchedTokensAsErrors = engine is not null };
        foreach (var stage in engine?.Catalog.Stages ?? []) command.Add(CreateStage(context, engine!, stage));
        return command;
    }

    private static Command CreateStage(CommandContext context, CommandEngine engine, PluginStage stage)
    {
        var command = new Command(stage.Name, $"Make a folder of kind '{stage.ArtifactKind}' (plugin {stage.Plugin.Name})");
        var options = RequestSchema.Describe(stage.RequestType).Select(o => (Schema: o, Option: CreateOption(o))).ToList();
        var output = new Option<string?>("--output-dir") { Description = "Folder to make (required)", HelpName = "DIR" };
        var overwrite = new Option<bool>("--overwrite") { Description = "Replace the output folder if it has files [default: false]" };
        var dryRun = new Option<bool>("--dry-run") { Description = "Check everything, say what would be done, and write nothing [default: false]" };
        var preview = new Option<int?>("--preview") { Description = "Print so many samples as the model will see them, what is not learned dimmed, and write nothing", HelpName = "N" };
        options.ForEach(o => command.Add(o.Option));
        command.Add(output);
        command.Add(overwrite);
        if (stage.CanPlan) command.Add(dryRun);
        if (stage.CanPreview) command.Add(preview);
        if (stage.CanPlan || stage.CanPreview) command.Add(context.Options.Json);

        // Bound while the command line is parsed, so that what is wrong with the values is reported together with what is wrong with the options.
        object? request = null;
        command.Validators.Add(result =>
        {
            var problems = new List<string>();
            request = RequestBinder.Bind(stage.RequestType, ReadValues(result, options), problems, name => $"--{options.Find(o => o.Schema.Name == name).Schema.KebabName}");
            problems.ForEach(result.AddError);
            string[] printing = [.. stage.CanPlan ? ["--dry-run"] : Array.Empty<string>(), .. stage.CanPreview ? ["--preview"] : Array.Empty<string>()];
            var prints = (stage.CanPlan && result.GetValue(dryRun)) || (stage.CanPreview && result.GetResult(preview) is not null);
            if (printing.Length > 0 && result.GetValue(context.Options.Json) && !prints) result.AddError($"--json goes with {string.Join(" or ", printing)}: it prints that as one JSON document.");
            if (stage.CanPreview && result.GetValue(preview) is < 1) result.AddError("--preview must be a whole number from 1: how many samples to print.");
            if (!prints && string.IsNullOrEmpty(result.GetValue(output))) result.AddError("--output-dir is missing: the folder to make.");
        });
        command.SetAction((parse, cancellationToken) =>
            stage.CanPreview && parse.GetValue(preview) is { } count ? Task.FromResult(PreviewOutput.Write(context.Console, stage.Preview(request!, count)!, parse.GetValue(context.Options.Json)))
            : stage.CanPlan && parse.GetValue(dryRun) ? Task.FromResult(WritePlan(context.Console, stage.Name, stage.Plan(request!)!, parse.GetValue(context.Options.Json)))
            : RunAsync(context, engine, stage, request!, parse.GetValue(output)!, parse.GetValue(overwrite), cancellationToken));
        return command;
    }

    private static Dictionary<string, IReadOnlyList<string>> ReadValues(CommandResult command, List<(RequestOption Schema, Option<string[]> Option)> options)
    {
        var values = new Dictionary<string, IReadOnlyList<string>>();
        foreach (var (schema, option) in options)
        {
            if (command.GetResult(option) is not { Implicit: false } result) continue;
            IReadOnlyList<string> given = [.. result.Tokens.Select(t => t.Value)];
            values[schema.Name] = given.Count == 0 && schema.Type == typeof(bool) ? ["true"] : given; // `--packing` alone means true.
        }

        return values;
    }

    private static async Task<int> RunAsync(
        CommandContext context, CommandEngine engine, PluginStage stage, object request, string output, bool overwrite, CancellationToken cancellationToken)
    {
        var started = TimeProvider.System.GetTimestamp();
        await ProgressDisplay.ShowAsync(
            context.Console, progress => engine.Get<StageRunner>().RunAloneAsync(stage, request, output, overwrite, progress, cancellationToken));
        context.Console.Error.WriteLine($"{stage.Name}: done in {Amounts.Duration(TimeProvider.System.GetElapsedTime(started))}, see {output}");
        return ExitCodes.Success;
    }

    private static int WritePlan(CommandConsole console, string stage, StagePlan plan, bool json)
    {
        if (json)
        {
            JsonOutput.Write(console.Out, new { stage, plan.Steps, plan.OutputBytes, plan.MemoryBytes });
            return ExitCodes.Success;
        }

        foreach (var step in plan.Steps) console.Out.WriteLine(step);
        console.Out.WriteLine($"disk: {Amounts.Done(plan.OutputBytes, null, ProgressUnit.Bytes)}; memory: {Amounts.Done(plan.MemoryBytes, null, ProgressUnit.Bytes)} of buffers, whatever the model's size");
        return ExitCodes.Success;
    }

    private static Option<string[]> CreateOption(RequestOption schema) => new($"--{schema.KebabName}")
    {
        Description = Describe(schema),
        HelpName = HelpName(schema),
        Arity = ArgumentArity.ZeroOrMore,
        AllowMultipleArgumentsPerToken = false,
    };

    private static string HelpName(RequestOption schema) => schema switch
    {
        { AllowedValues: { Count: > 0 } words } => string.Join('|', words),
        { IsPath: true, IsList: true } => "PATH,...",
        { IsPath: true } => "PATH",
        { IsList: true } => "A,B,...",
        _ when schema.Type == typeof(string) => "TEXT",
        _ => "N",
    };

    private static string Describe(RequestOption schema) => schema switch
    {
        { Required: true } => $"{schema.Description} (required)",
        { Default: { } value } => $"{schema.Description} [default: {OptionText.Of(value)}]",
        _ => $"{schema.Description} [default: none]",
    };
}
