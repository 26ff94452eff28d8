using System.CommandLine;
using Alpaca.Abstractions;

namespace Alpaca.Host;

/// <summary><c>alpaca chat</c>: a conversation at the terminal, or from a pipe.</summary>
internal sealed class ChatVerb
{
    private const string Help = "Ctrl+C stops an answer, and ends the chat while none is given; /reset forgets the conversation, /exit ends it.";
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
        var chat = new ChatSession(model, _sampling.Read(parse), parse.GetValue(_system));
        console.Error.WriteLine($"{model.Folder} on {model.Backend}. {Help}");
        while (await ReadAsync(cancellationToken) is { } message)
        {
            switch (message)
            {
                case "":
                    break;
                case "/exit":
                    return ExitCodes.Success;
                case "/reset":
                    chat.Reset();
                    console.Error.WriteLine("The conversation is forgotten.");
                    break;
                case ['/', ..] when !message.Contains(' ', StringComparison.Ordinal):
                    console.Error.WriteLine($"{message} is not a command. {Help}");
                    break;
                default:
                    await AnswerAsync(chat, message, cancellationToken);
                    break;
            }
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
            await foreach (var piece in chat.SayAsync(message, part.Token))
            {
                // The blanks that a template's end leaves before the answer are not shown.
                var text = begun ? piece : piece.TrimStart();
                begun |= text.Length > 0;
                await output.WriteAsync(text);
            }

            if (chat.ForgottenQuestions > 0) await _context.Console.Error.WriteLineAsync($"(the oldest {chat.ForgottenQuestions} questions no longer fit the model's context)");
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
}
