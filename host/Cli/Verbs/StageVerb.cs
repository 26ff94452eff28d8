using System.CommandLine;
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
        var command = new Command(stage.Name, $"Makes a {stage.ArtifactKind} artifact (plugin {stage.Plugin.Name})")
        {
            TreatUnmatchedTokensAsErrors = false, // Reported together with what is wrong with the known ones.
        };
        var options = RequestSchema.Describe(stage.RequestType).Select(o => (Schema: o, Option: CreateOption(o))).ToList();
        var output = new Option<string?>("--output-dir") { Description = "Folder to make (required)", HelpName = "DIR" };
        var overwrite = new Option<bool>("--overwrite") { Description = "Replace the output folder if it has files [default: false]" };
        options.ForEach(o => command.Add(o.Option));
        command.Add(output);
        command.Add(overwrite);
        command.SetAction((parse, cancellationToken) =>
        {
            var problems = new List<string>(UsageProblems.Describe(parse));
            var request = RequestBinder.Bind(stage.RequestType, ReadValues(parse, options), problems, name => $"--{options.Find(o => o.Schema.Name == name).Schema?.KebabName ?? name}");
            var folder = parse.GetValue(output);
            if (string.IsNullOrEmpty(folder)) problems.Add("--output-dir is missing: the folder to make.");
            if (problems.Count > 0) throw new AlpacaUsageException(string.Join('\n', problems.Distinct()));
            return RunAsync(context, engine, stage, request, folder!, parse.GetValue(overwrite), cancellationToken);
        });
        return command;
    }

    private static Dictionary<string, IReadOnlyList<string>> ReadValues(ParseResult parse, List<(RequestOption Schema, Option<string[]> Option)> options)
    {
        var values = new Dictionary<string, IReadOnlyList<string>>();
        foreach (var (schema, option) in options)
        {
            if (parse.GetResult(option) is not { Implicit: false } result) continue;
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
