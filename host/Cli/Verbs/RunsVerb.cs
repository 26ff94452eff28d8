using System.CommandLine;
using System.Globalization;
using Spectre.Console;

namespace Alpaca.Host;

/// <summary><c>alpaca runs</c>: the history, or one run of it stage by stage.</summary>
internal static class RunsVerb
{
    private const int Latest = 50;

    public static Command Create(CommandContext context)
    {
        var id = new Argument<string?>("id") { Description = "A run's number, to see its stages [default: the latest runs]", Arity = ArgumentArity.ZeroOrOne };
        id.RefuseOptions();
        id.Validators.Add(result =>
        {
            if (result.Tokens is [{ Value: var text and not ['-', ..] }] && !IsNumber(text, out _)) result.AddError($"'{text}' is not the number of a run; `alpaca runs` lists them.");
        });
        var command = new Command("runs", "Show what runs did") { id, context.Options.Json };
        command.SetAction((parse, _) => RunAsync(context, parse, IsNumber(parse.GetValue(id), out var number) ? number : null));
        return command;
    }

    private static bool IsNumber(string? text, out long number) => long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out number);

    private static async Task<int> RunAsync(CommandContext context, ParseResult parse, long? id)
    {
        await using var engine = context.StartEngine(parse);
        var store = engine.Get<RunStore>();
        IReadOnlyList<RunRecord> runs = id is { } one ? [store.Get(one)] : store.List(Latest);
        if (parse.GetValue(context.Options.Json)) JsonOutput.Write(context.Console.Out, runs);
        else if (id is null) context.Console.OutTables.Write(CreateTable(runs));
        else Print(context.Console, runs[0]);
        return ExitCodes.Success;
    }

    private static Table CreateTable(IReadOnlyList<RunRecord> runs)
    {
        var table = Tables.Create("Run", "Pipeline", "Trigger", "Started", "Took", "Outcome", "Error");
        foreach (var run in runs)
            table.AddTextRow(run.Id.ToString(CultureInfo.InvariantCulture), run.Pipeline, run.Trigger, Time(run.StartedAt), Took(run.StartedAt, run.FinishedAt), run.Outcome.ToString(), run.Error ?? "");
        return table;
    }

    private static void Print(CommandConsole console, RunRecord run)
    {
        console.Out.WriteLine($"Run {run.Id} of {run.Pipeline}, {Time(run.StartedAt)}: {run.Outcome}");
        if (run.Error is { } error) console.Out.WriteLine(error);
        console.OutTables.Write(CreateTable(run));
    }

    private static Table CreateTable(RunRecord run)
    {
        var table = Tables.Create("Stage", "Outcome", "Took", "Reason", "Metrics", "Artifact");
        foreach (var stage in run.Stages)
            table.AddTextRow(stage.Name, stage.Outcome.ToString(), Took(stage.StartedAt, stage.FinishedAt), stage.Error ?? stage.Reason, Metrics(stage.Metrics), stage.ArtifactFolder ?? "");
        return table;
    }

    private static string Time(DateTimeOffset time) => time.ToLocalTime().ToString("yyyy-MM-dd HH:mm:ss", CultureInfo.InvariantCulture);

    private static string Took(DateTimeOffset start, DateTimeOffset? end) => end is { } finished ? Amounts.Duration(finished - start) : "";

    private static string Metrics(IReadOnlyDictionary<string, double> metrics)
        => string.Join(", ", metrics.Select(m => string.Create(CultureInfo.InvariantCulture, $"{m.Key} {m.Value:G5}")));
}
