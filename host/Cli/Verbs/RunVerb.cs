using System.CommandLine;

namespace Alpaca.Host;

/// <summary><c>alpaca run</c>: runs a pipeline now and asks the new model a question.</summary>
internal static class RunVerb
{
    public static Command Create(CommandContext context)
    {
        var options = new PipelineOptions();
        var command = new Command("run", "Run a pipeline now; stages that are up to date are skipped") { context.Options.Json };
        options.AddTo(command);
        command.SetAction((parse, cancellationToken) => RunAsync(context, parse, options, cancellationToken));
        return command;
    }

    private static async Task<int> RunAsync(CommandContext context, ParseResult parse, PipelineOptions options, CancellationToken cancellationToken)
    {
        await using var engine = options.StartEngine(context, parse);
        var pipeline = options.GetPipeline(engine, parse);
        var inference = InferenceSettings.Read(engine.Settings);
        var question = Question.Read(engine.Settings, pipeline, engine.Catalog.BackendNames);
        await engine.NotifyAsync(cancellationToken);
        var drops = DropFolder.Of(engine.Settings, pipeline);
        drops?.Create();

        var lines = new StageLines(context.Console.ErrorLines);
        var runOptions = options.GetRunOptions(parse) with { StageChanged = lines.Write };
        if (drops is not null && options.RunsAllAsConfigured(parse)) runOptions = runOptions with { Succeeded = () => MarkSeen(drops, context.Console) };
        var run = await ProgressDisplay.ShowAsync(
            context.Console, progress => engine.Get<PipelineRunner>().RunAsync(pipeline, runOptions, progress, cancellationToken));
        if (run.Outcome != RunOutcome.Succeeded) context.Console.Error.WriteLine($"alpaca: {run.Error}");
        if (run.Verdict is { } verdict)
        {
            foreach (var line in VerdictLines.Describe(verdict)) context.Console.Error.WriteLine(line);
        }

        IReadOnlyList<BackendAnswer> answers = run.Outcome == RunOutcome.Succeeded && question is not null && runOptions.Until is null
            ? await AskAsync(engine, inference, question, run, cancellationToken)
            : [];
        if (parse.GetValue(context.Options.Json)) JsonOutput.Write(context.Console.Out, new { Run = run, Question = answers.Count > 0 ? question!.Prompt : null, Answers = answers });
        else if (answers.Count > 0) Print(context.Console, question!, answers);

        if (answers.DistinctBy(a => a.Text).Count() > 1)
        {
            context.Console.Error.WriteLine("alpaca: The backends' answers differ though they run the same weights; `alpaca generate --logits --json` with each shows where.");
            return ExitCodes.Failure;
        }

        return run.Outcome == RunOutcome.Succeeded ? ExitCodes.Success : ExitCodes.Failure;
    }

    /// <summary>The service need not run for what this run has seen.</summary>
    private static void MarkSeen(DropFolder drops, CommandConsole console)
    {
        try
        {
            NewSamples.Clear(drops);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            console.Error.WriteLine($"alpaca: {drops.NewSamplesFile} cannot be removed ({e.Message}), so the service will run for these samples again; remove it to spare that.");
        }
    }

    private static async Task<IReadOnlyList<BackendAnswer>> AskAsync(
        CommandEngine engine, InferenceSettings inference, Question question, RunRecord run, CancellationToken cancellationToken)
    {
        var answers = new List<BackendAnswer>();
        foreach (var backend in question.Backends)
        {
            var folder = BackendArtifacts.InRun(run, backend)
                ?? throw new Abstractions.AlpacaUsageException($"Pipelines:{run.Pipeline}:Ask:Backends names {backend}, but the pipeline makes no model that it runs.");
            var options = new ModelOptions { Backend = backend, Folder = folder, Template = inference.Template, Inference = inference.Options };
            using var model = await engine.Get<ModelLoader>().LoadAsync(options, cancellationToken);
            answers.Add(new BackendAnswer(model.Backend, await question.AskAsync(model, cancellationToken)));
        }

        return answers;
    }

    private static void Print(CommandConsole console, Question question, IReadOnlyList<BackendAnswer> answers)
    {
        console.Out.WriteLine(question.Prompt);
        foreach (var answer in answers) console.Out.WriteLine($"{answer.Backend}: {answer.Text.ReplaceLineEndings(" ")}");
    }

    private sealed record BackendAnswer(string Backend, string Text);
}
