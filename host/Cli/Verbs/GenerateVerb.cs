using System.CommandLine;
using System.Globalization;
using Alpaca.Abstractions;

namespace Alpaca.Host;

/// <summary><c>alpaca generate</c>: continues prompts.</summary>
internal sealed class GenerateVerb
{
    private const int LogitsShown = 64;
    private readonly ModelChoice _model = new();
    private readonly SamplingOptions _sampling = new();
    private readonly Option<string?> _prompt = new("--prompt") { Description = "A prompt, as it stands (BOS is added)", HelpName = "TEXT" };
    private readonly Option<string?> _promptIds = new("--prompt-ids") { Description = "A prompt as ids, as they are: 1,15043", HelpName = "IDS" };
    private readonly Option<string?> _dataFile = new("--data-file") { Description = "A file with a prompt on each line", HelpName = "FILE" };
    private readonly Option<string?> _predictions = new("--predictions-file") { Description = "Write what came of --data-file there, as the original's inference_hf.py does", HelpName = "FILE" };
    private readonly Option<bool> _withPrompt = new("--with-prompt") { Description = "Put each prompt into the template" };
    private readonly Option<int?> _count = new("--n") { Description = "Answers to each prompt, with the seeds N, N + 1, ... of --seed [default: 1]", HelpName = "N" };
    private readonly Option<string[]> _stop = new("--stop") { Description = "A text that ends an answer and is not part of it; repeat it for several", HelpName = "TEXT" };
    private readonly Option<bool> _logits = new("--logits") { Description = $"With --json: the first {LogitsShown} logits from which the first new token was chosen" };
    private readonly CommandContext _context;

    private GenerateVerb(CommandContext context) => _context = context;

    public static Command Create(CommandContext context)
    {
        var verb = new GenerateVerb(context);
        var command = new Command("generate", "Continue a prompt, or each line of a file") { verb._prompt, verb._promptIds, verb._dataFile, verb._predictions, verb._withPrompt };
        verb._model.AddTo(command);
        verb._sampling.AddTo(command);
        command.AddNumber(verb._count, 1);
        foreach (var option in (Option[])[verb._stop, verb._logits, context.Options.Json]) command.Add(option);
        command.Validators.Add(result =>
        {
            var given = ((Option<string?>[])[verb._prompt, verb._promptIds, verb._dataFile]).Count(o => result.GetResult(o) is not null);
            if (given != 1) result.AddError("Give exactly one of --prompt, --prompt-ids and --data-file.");
            if (result.GetResult(verb._predictions) is not null && result.GetResult(verb._dataFile) is null) result.AddError("--predictions-file needs --data-file.");
            if ((result.GetValue(verb._stop) ?? []).Contains("")) result.AddError("--stop is empty; it must be a text.");
            if (result.GetValue(verb._promptIds) is { } ids && !TryParseIds(ids, out _)) result.AddError($"--prompt-ids is '{ids}'; it must be ids separated by commas, for example 1,15043.");
            if (result.GetValue(verb._withPrompt) && result.GetResult(verb._promptIds) is not null) result.AddError("--with-prompt needs text; give --prompt or --data-file instead of --prompt-ids.");
        });
        command.SetAction(verb.RunAsync);
        return command;
    }

    private async Task<int> RunAsync(ParseResult parse, CancellationToken cancellationToken)
    {
        var json = parse.GetValue(_context.Options.Json);
        var lines = ReadLines(parse.GetValue(_dataFile));
        using var predictions = parse.GetValue(_predictions) is { } file ? PredictionsFile.Begin(file) : null;
        await using var engine = _context.StartEngine(parse);
        var options = _sampling.Read(parse) with { ReturnLogits = json && parse.GetValue(_logits) };
        var promptIds = parse.GetValue(_promptIds);
        var choice = _model.Read(parse, engine) with { RequiresTokenizer = promptIds is null };
        using var model = await engine.Get<ModelLoader>().LoadAsync(choice, cancellationToken);

        var withPrompt = parse.GetValue(_withPrompt);
        List<GenerationPrompt> prompts = promptIds is not null
            ? [GenerationPrompt.FromIds(ParseIds(promptIds), model)]
            : [.. (lines ?? [parse.GetValue(_prompt)!]).Select(text => withPrompt ? GenerationPrompt.FromQuestion(text, model) : GenerationPrompt.FromText(text, model))];
        for (var i = 0; i < prompts.Count; i++) prompts[i].Check(model, lines is null ? "The prompt" : $"Prompt {i + 1} of the data file");

        var batch = new GenerationBatch(model, options, parse.GetValue(_stop) ?? [], parse.GetValue(_count) ?? 1, choice.Inference.MaxConcurrency);
        var total = prompts.Count * batch.AnswersEach;
        var results = new List<(GenerationPrompt Prompt, Answer Answer)>();
        var showsText = !json && predictions is null;
        if (showsText && total == 1) await StreamAsync(batch, prompts[0], cancellationToken);
        else if (showsText) await batch.AnswerAsync(prompts, WriteText, cancellationToken);
        if (showsText) return ExitCodes.Success;

        await (total > 1 ? ProgressDisplay.ShowAsync(_context.Console, CollectAsync) : CollectAsync(NullProgress.Instance));

        // As in the original, what continues a bare prompt is written with it.
        predictions?.Complete([.. results.Select(r => (r.Prompt.Text, withPrompt ? r.Answer.Text.Trim() : r.Prompt.Text + r.Answer.Text))], options);
        var documents = json ? results.Select(r => Generated.From(model, r.Prompt, r.Answer)).ToList() : [];
        if (json) JsonOutput.Write(_context.Console.Out, lines is null && total == 1 ? documents[0] : documents);
        return ExitCodes.Success;

        async Task<int> CollectAsync(IStageProgress progress)
        {
            using var task = progress.Start("answers", total, ProgressUnit.Items);
            await batch.AnswerAsync(prompts, (prompt, answer) => Collect(prompt, answer, task), cancellationToken);
            return results.Count;
        }

        void Collect(GenerationPrompt prompt, Answer answer, IProgressTask task)
        {
            results.Add((prompt, answer));
            task.Report(results.Count);
        }

        void WriteText(GenerationPrompt prompt, Answer answer)
        {
            results.Add((prompt, answer));
            _context.Console.Out.WriteLine($"======= {results.Count} =======\nInput: {prompt.Given}\n\nOutput:\n{(model.HasTokenizer ? answer.Text : string.Join(',', answer.Ids))}");
        }
    }

    /// <summary>Answers one prompt and shows the text as it comes.</summary>
    private async Task StreamAsync(GenerationBatch batch, GenerationPrompt prompt, CancellationToken cancellationToken)
    {
        var answer = new Answer();
        await foreach (var text in batch.StreamAsync(prompt, answer, cancellationToken)) await _context.Console.Out.WriteAsync(text);
        await _context.Console.Out.WriteLineAsync(batch.Model.HasTokenizer ? "" : string.Join(',', answer.Ids));
    }

    private static string[]? ReadLines(string? file)
    {
        if (file is null) return null;
        if (!File.Exists(file)) throw new AlpacaException($"The data file {file} does not exist; correct --data-file.");
        var lines = File.ReadAllLines(file).Select(line => line.Trim()).Where(line => line.Length > 0).ToArray();
        return lines.Length > 0 ? lines : throw new AlpacaException($"The data file {file} holds no prompts; write one on each line.");
    }

    private static int[] ParseIds(string text) => TryParseIds(text, out var ids) ? ids : [];

    private static bool TryParseIds(string text, out int[] ids)
    {
        var parts = text.Split(',', StringSplitOptions.TrimEntries);
        ids = new int[parts.Length];
        for (var i = 0; i < parts.Length; i++)
        {
            if (!int.TryParse(parts[i], NumberStyles.None, CultureInfo.InvariantCulture, out ids[i])) return false;
        }

        return true;
    }

    /// <summary>A result as <c>--json</c> shows it.</summary>
    private sealed record Generated(
        string Model, string Backend, string Prompt, IReadOnlyList<int> PromptIds, IReadOnlyList<int> Ids, string Text, string FinishReason, float[]? FirstLogits)
    {
        public static Generated From(ModelHandle model, GenerationPrompt prompt, Answer answer) => new(
            model.Folder, model.Backend, prompt.Text, prompt.Ids, answer.Ids, TextOf(model, answer),
            answer.FinishReason == Host.FinishReason.Length ? "length" : "stop",
            answer.FirstLogits.IsEmpty ? null : answer.FirstLogits[..Math.Min(LogitsShown, answer.FirstLogits.Length)].ToArray());

        // What a stop string took back is among the ids, but not in the text.
        private static string TextOf(ModelHandle model, Answer answer)
            => !model.HasTokenizer ? "" : answer.Tokens.Count < answer.Ids.Count ? answer.Text : model.Tokenizer.Decode(answer.Ids);
    }
}
