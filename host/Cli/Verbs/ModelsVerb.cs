using System.CommandLine;
using System.Globalization;
using Spectre.Console;

namespace Alpaca.Host;

/// <summary><c>alpaca models</c>: the versions of a pipeline's models, and which of them is the champion.</summary>
internal static class ModelsVerb
{
    public static Command Create(CommandContext context)
    {
        var pipeline = new Option<string?>("--pipeline") { Description = "The pipeline [default: DefaultPipeline of the configuration]", HelpName = "NAME", Recursive = true };
        var command = new Command("models", "List the versions of a pipeline's models; promote one, or go back to the one before") { pipeline, context.Options.Json };
        command.Add(CreatePromote(context, pipeline));
        command.Add(CreateRollback(context, pipeline));
        command.SetAction((parse, _) => ListAsync(context, parse, pipeline));
        return command;
    }

    private static Command CreatePromote(CommandContext context, Option<string?> pipeline)
    {
        var version = new Argument<string>("version") { Description = "A version's number, or candidate" };
        version.RefuseOptions();
        version.Validators.Add(result =>
        {
            if (result.Tokens is [{ Value: var text and not ['-', ..] }] && !ModelListing.IsVersion(text)) result.AddError($"'{text}' is neither the number of a version nor {ModelListing.Candidate}; `alpaca models` lists them.");
        });
        var force = new Option<bool>("--force") { Description = "Promote a version that did not pass, or was taken back [default: false]" };
        var command = new Command("promote", "Make a version the champion, which is served") { version, force };
        command.SetAction((parse, cancellationToken) => ChangeAsync(context, parse, pipeline, (registry, name)
            => registry.Promote(name, ModelListing.NumberOf(parse.GetValue(version)!, registry, name), parse.GetValue(force)), cancellationToken));
        return command;
    }

    private static Command CreateRollback(CommandContext context, Option<string?> pipeline)
    {
        var command = new Command("rollback", "Make the previous champion the champion again; a second time goes forward again");
        command.SetAction((parse, cancellationToken) => ChangeAsync(context, parse, pipeline, (registry, name) => registry.RollBack(name), cancellationToken));
        return command;
    }

    private static async Task<int> ChangeAsync(CommandContext context, ParseResult parse, Option<string?> pipeline, Func<ModelRegistry, string, ModelVersion> change, CancellationToken cancellationToken)
    {
        await using var engine = context.StartEngine(parse);
        var name = engine.Settings.GetPipeline(parse.GetValue(pipeline)).Name;
        await engine.NotifyAsync(cancellationToken);
        var version = change(engine.Get<ModelRegistry>(), name);
        context.Console.Out.WriteLine(string.Create(CultureInfo.InvariantCulture, $"Version {version.Number} is the champion of pipeline {name}."));
        return ExitCodes.Success;
    }

    private static async Task<int> ListAsync(CommandContext context, ParseResult parse, Option<string?> pipeline)
    {
        await using var engine = context.StartEngine(parse);
        var name = engine.Settings.GetPipeline(parse.GetValue(pipeline)).Name;
        var rows = ModelListing.Of(engine.Get<ModelRegistry>(), name, engine.Settings);
        if (parse.GetValue(context.Options.Json)) JsonOutput.Write(context.Console.Out, rows);
        else context.Console.OutTables.Write(CreateTable(rows));
        return ExitCodes.Success;
    }

    private static Table CreateTable(IReadOnlyList<ModelListing> rows)
    {
        var table = Tables.Create("Version", "Created", "Aliases", "Metrics", "Verdict", "Folder");
        foreach (var row in rows)
        {
            table.AddTextRow(
                row.Version.ToString(CultureInfo.InvariantCulture), row.CreatedAt.ToLocalTime().ToString("yyyy-MM-dd HH:mm:ss", CultureInfo.InvariantCulture), string.Join(", ", row.Aliases),
                KeyMetrics(row), row.Rejection is { } rejection ? $"taken back: {rejection.Reason}" : row.Verdict.Passed ? "passed" : row.Verdict.Reason, row.Folder);
        }

        return table;
    }

    /// <summary>The metrics by which it was judged.</summary>
    private static string KeyMetrics(ModelListing row)
        => string.Join(", ", row.Metrics.Where(metric => row.Verdict.Rules.Any(rule => rule.Rule.StartsWith(metric.Key + " ", StringComparison.Ordinal))).Select(metric => string.Create(CultureInfo.InvariantCulture, $"{metric.Key} {metric.Value:G5}")));
}
