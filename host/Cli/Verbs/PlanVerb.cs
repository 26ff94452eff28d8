using System.CommandLine;
using Spectre.Console;

namespace Alpaca.Host;

/// <summary><c>alpaca plan</c>: what a run would do, and why.</summary>
internal static class PlanVerb
{
    public static Command Create(CommandContext context)
    {
        var options = new PipelineOptions();
        var command = new Command("plan", "Say which stages a run would execute, and why") { context.Options.Json };
        options.AddTo(command);
        command.SetAction((parse, cancellationToken) => RunAsync(context, parse, options, cancellationToken));
        return command;
    }

    private static async Task<int> RunAsync(CommandContext context, ParseResult parse, PipelineOptions options, CancellationToken cancellationToken)
    {
        await using var engine = options.StartEngine(context, parse);
        var pipeline = options.GetPipeline(engine, parse);
        DropFolder.Of(engine.Settings, pipeline)?.Create();
        var plan = await ProgressDisplay.ShowAsync(
            context.Console, progress => Task.FromResult(engine.Get<PipelinePlanner>().Plan(pipeline, options.GetRunOptions(parse), progress, cancellationToken)));

        if (parse.GetValue(context.Options.Json)) JsonOutput.Write(context.Console.Out, plan);
        else context.Console.OutTables.Write(CreateTable(plan));
        return ExitCodes.Success;
    }

    private static Table CreateTable(IReadOnlyList<PlannedStage> plan)
    {
        var table = Tables.Create("Stage", "Runs", "Why", "Artifact");
        foreach (var stage in plan) table.AddTextRow(stage.Stage, stage.UpToDate ? "no" : "yes", stage.Reason, stage.ArtifactFolder ?? "");
        return table;
    }
}
