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
    private readonly Option<bool> _withPrompt = new("--with-prompt") { Description = "Put each prompt into the template" };
    private readonly Option<bool> _logits = new("--logits") { Description = $"With --json: the first {LogitsShown} logits from which the first new token was chosen" };
    private readonly CommandContext _context;

    private GenerateVerb(CommandContext context) => _context = context;

    public static Command Create(CommandContext context)
    {
        var verb = new GenerateVerb(context);
        var command = new Command("generate", "Continue a prompt, or each line of a file") { verb._prompt, verb._promptIds, verb._dataFile, verb._withPrompt };
        verb._model.AddTo(command);
        verb._sampling.AddTo(command);
        command.Add(verb._logits);
        command.Add(context.Options.Json);
        command.Validators.Add(result =>
        {
            var given = ((Option<string?>[])[verb._prompt, verb._promptIds, verb._dataFile]).Count(o => result.GetResult(o) is not null);
            if (given != 1) result.AddError("Give exactly one of --prompt, --prompt-ids and --data-file.");
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
        await using var engine = _context.StartEngine(parse);
        var options = _sampling.Read(parse) with { ReturnLogits = json && parse.GetValue(_logits) };
        var promptIds = parse.GetValue(_promptIds);
        using var model = await engine.Get<ModelLoader>().LoadAsync(_model.Read(parse, engine) with { RequiresTokenizer = promptIds is null }, cancellationToken);

        var prompts = promptIds is not null
            ? [Prompt.FromIds(ParseIds(promptIds), model)]
            : (lines ?? [parse.GetValue(_prompt)!]).Select(text => parse.GetValue(_withPrompt) ? Prompt.FromQuestion(text, model) : Prompt.FromText(text, model)).ToList();
        foreach (var prompt in prompts) prompt.Check(model);

        var results = new List<Generated>();
        foreach (var prompt in prompts)
        {
            var answer = new Answer();
            if (!json && lines is not null) _context.Console.Out.WriteLine($"======= {results.Count + 1} =======\nInput: {prompt.Given}\n\nOutput:");
            await foreach (var text in model.AnswerAsync(prompt.Ids, options, answer, cancellationToken: cancellationToken))
            {
                if (!json) await _context.Console.Out.WriteAsync(text);
            }

            if (!json) _context.Console.Out.WriteLine(model.HasTokenizer ? "" : string.Join(',', answer.Ids));
            results.Add(Generated.From(model, prompt, answer));
        }

        if (json) JsonOutput.Write(_context.Console.Out, lines is null ? results[0] : results);
        return ExitCodes.Success;
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

    /// <summary>A prompt: as it was given, as the model sees it, and as ids.</summary>
    private sealed record Prompt(string Given, string Text, IReadOnlyList<int> Ids)
    {
        public static Prompt FromText(string text, ModelHandle model) => new(text, text, model.Encode(text));

        public static Prompt FromQuestion(string question, ModelHandle model) => new(question, model.Template.Render(question), model.EncodeQuestion(question));

        public static Prompt FromIds(IReadOnlyList<int> ids, ModelHandle model)
        {
            var rows = model.Generator.VocabularySize;
            if (ids.FirstOrDefault(id => id >= rows, -1) is >= 0 and var outside)
                throw new AlpacaException($"--prompt-ids holds {outside}, but the vocabulary of the model in {model.Folder} ends at {rows - 1}.");
            var text = model.HasTokenizer ? model.Tokenizer.Decode(ids) : "";
            return new Prompt(text, text, ids);
        }

        public void Check(ModelHandle model)
        {
            if (Ids.Count >= model.Generator.ContextLength)
                throw new AlpacaException($"The prompt has {Ids.Count} tokens, which leaves no room in the model's context of {model.Generator.ContextLength}; shorten it.");
        }
    }

    /// <summary>A result as <c>--json</c> shows it.</summary>
    private sealed record Generated(
        string Model, string Backend, string Prompt, IReadOnlyList<int> PromptIds, IReadOnlyList<int> Ids, string Text, string FinishReason, float[]? FirstLogits)
    {
        public static Generated From(ModelHandle model, Prompt prompt, Answer answer) => new(
            model.Folder, model.Backend, prompt.Text, prompt.Ids, answer.Ids, model.HasTokenizer ? model.Tokenizer.Decode(answer.Ids) : "",
            answer.FinishReason == Host.FinishReason.Length ? "length" : "stop",
            answer.FirstLogits.IsEmpty ? null : answer.FirstLogits[..Math.Min(LogitsShown, answer.FirstLogits.Length)].ToArray());
    }
}
