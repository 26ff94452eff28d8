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
        var startFresh = new Option<bool>("--start-fresh") { Description = "Set damaged databases of the workspace aside and begin new ones; whole ones stay" };
        var command = new Command("runs", "Show what runs did") { id, startFresh, context.Options.Json };
        command.SetAction((parse, _) => parse.GetValue(startFresh)
            ? StartFreshAsync(context, parse)
            : RunAsync(context, parse, IsNumber(parse.GetValue(id), out var number) ? number : null));
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

    private static async Task<int> StartFreshAsync(CommandContext context, ParseResult parse)
    {
        await using var engine = context.StartEngine(parse);
        var (settings, now) = (engine.Get<AlpacaSettings>(), engine.Get<TimeProvider>().GetUtcNow());
        var setAside = new[] { SqliteRunDatabase.FileOf(settings), SchedulerRegistration.FileOf(settings) }
            .Where(file => SqliteFile.DamageOf(file) is not null)
            .Select(file => new { File = file, SetAside = SqliteFile.SetAside(file, now) }).ToList();
        if (parse.GetValue(context.Options.Json)) JsonOutput.Write(context.Console.Out, setAside);
        else if (setAside.Count == 0) context.Console.Out.WriteLine("No database of the workspace is damaged; nothing was done.");
        else foreach (var file in setAside) context.Console.Out.WriteLine($"{file.File} is now {file.SetAside}; a new one is begun at the next use.");
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
        if (run.Verdict is not { } verdict) return;
        foreach (var line in VerdictLines.Describe(verdict)) console.Out.WriteLine(line);
    }

    private static Table CreateTable(RunRecord run)
    {
        var table = Tables.Create("Stage", "Outcome", "Took", "Reason", "Metrics", "Artifact");
        foreach (var stage in run.Stages)
            table.AddTextRow(stage.Name, stage.Outcome.ToString(), Took(stage.StartedAt, stage.FinishedAt), stage.Error ?? stage.Reason, Metrics(stage.Metrics), stage.ArtifactFolder ?? "");
        return table;
    }

    private static string Time(DateTimeOffset time) => time.ToLocalTime().ToString("yyyy-MM-dd HH:mm:ss", CultureInfo.InvariantCulture);

    private static string Took(DateTimeOffset start, DateTimeOffset? end) => end is { } finished && finished >= start ? Amounts.Duration(finished - start) : ""; // not when the clock was set back

    private static string Metrics(IReadOnlyDictionary<string, double> metrics)
        => string.Join(", ", metrics.Select(m => string.Create(CultureInfo.InvariantCulture, $"{m.Key} {m.Value:G5}")));
}
