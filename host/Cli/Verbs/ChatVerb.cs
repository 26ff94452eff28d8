using System.CommandLine;
using System.Diagnostics;
using System.Globalization;
using Alpaca.Abstractions;

namespace Alpaca.Host;

/// <summary><c>alpaca chat</c>: a conversation at the terminal, or from a pipe.</summary>
internal sealed class ChatVerb
{
    private const string Help = "Ctrl+C stops an answer, and ends the chat while none is given; /help lists the commands.";
    private readonly ModelChoice _model = new();
    private readonly SamplingOptions _sampling = new();
    private readonly Option<string?> _system = new("--system") { Description = "What stands before the first turn, where the template has a place for it", HelpName = "TEXT" };
    private readonly CommandContext _context;

    private ChatVerb(CommandContext context) => _context = context;

    public static Command Create(CommandContext context)
    {
        var verb = new ChatVerb(context);
        var command = new Command("chat", $"Talk to a model over several turns. {Help}") { verb._system };
        verb._model.AddTo(command);
        verb._sampling.AddTo(command);
        command.SetAction(verb.RunAsync);
        return command;
    }

    private async Task<int> RunAsync(ParseResult parse, CancellationToken cancellationToken)
    {
        await using var engine = _context.StartEngine(parse);
        var options = _model.Read(parse, engine);
        using var model = await engine.Get<ModelLoader>().LoadAsync(options, cancellationToken);
        var console = _context.Console;
        var chat = new ChatSession(model) { Options = _sampling.Read(parse), System = parse.GetValue(_system) };
        var commands = new ChatCommands(chat);
        console.Error.WriteLine($"{model.Folder} on {model.Backend}. {Help}");
        while (await ReadAsync(cancellationToken) is { } message)
        {
            if (message.Length == 0) continue;
            if (message == "/exit") break;
            if (commands.TryRun(message) is { } reply) await console.Error.WriteLineAsync(reply);
            else await AnswerAsync(chat, message, cancellationToken);
        }

        return ExitCodes.Success;
    }

    /// <summary>The next line without the blanks around it, or <see langword="null"/> at the end of the input.</summary>
    private async Task<string?> ReadAsync(CancellationToken cancellationToken)
    {
        if (_context.Console.InputIsTerminal) await _context.Console.Error.WriteAsync("> ");

        // A terminal's ReadLine cannot be cancelled: it is left behind when the command ends.
        var line = Task.Run(_context.Console.In.ReadLine, cancellationToken);
        return (await line.WaitAsync(cancellationToken))?.Trim();
    }

    private async Task AnswerAsync(ChatSession chat, string message, CancellationToken cancellationToken)
    {
        var output = _context.Console.Out;
        using var part = _context.Interrupts.BeginPart();
        try
        {
            var begun = false;
            var watch = Stopwatch.StartNew();
            await foreach (var piece in chat.SayAsync(message, part.Token))
            {
                // The blanks that a template's end leaves before the answer are not shown.
                var text = begun ? piece : piece.TrimStart();
                begun |= text.Length > 0;
                await output.WriteAsync(text);
            }

            if (_context.Console.ErrorIsTerminal) await ShowFiguresAsync(chat.LastAnswer!, watch.Elapsed);
            if (chat.ForgottenTurns > 0) await _context.Console.Error.WriteLineAsync($"(the oldest {chat.ForgottenTurns} turns no longer fit the model's context)");
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            // Only the answer was stopped; the conversation goes on.
        }
        catch (AlpacaException e)
        {
            await _context.Console.Error.WriteLineAsync($"alpaca: {e.Message}");
        }
        finally
        {
            _context.Interrupts.EndPart();
            await output.WriteLineAsync();
        }
    }

    private async Task ShowFiguresAsync(Answer answer, TimeSpan time)
    {
        var speed = answer.Ids.Count / Math.Max(time.TotalSeconds, 1e-3);
        var reused = answer.ReusedPromptTokens > 0 ? $", {answer.ReusedPromptTokens} of them known" : "";
        await _context.Console.Error.WriteAsync(string.Create(CultureInfo.InvariantCulture, $"\n({answer.Ids.Count} tokens, {speed:F1} a second; prompt of {answer.PromptTokens}{reused})"));
    }
}
