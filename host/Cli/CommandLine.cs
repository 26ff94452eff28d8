using System.CommandLine;
using System.CommandLine.Invocation;

namespace Alpaca.Host;

/// <summary>The executable's command line: parses, runs one verb, and turns whatever happens into an exit code (<see cref="ExitCodes"/>) and a sentence.</summary>
public static class CommandLine
{
    private static readonly ParserConfiguration Parser = new()
    {
        EnablePosixBundling = false,
        ResponseFileTokenReplacer = null, // A prompt may begin with @.
    };

    /// <summary>Runs a command.</summary>
    /// <param name="arguments">The arguments, without the executable's name.</param>
    /// <param name="console">Where it reads and writes.</param>
    /// <returns>The exit code.</returns>
    public static async Task<int> InvokeAsync(IReadOnlyList<string> arguments, CommandConsole console)
    {
        ArgumentNullException.ThrowIfNull(arguments);
        ArgumentNullException.ThrowIfNull(console);
        using var interrupts = Interrupts.OfProcess();
        return await InvokeAsync(arguments, console, interrupts);
    }

    /// <summary>Runs a command with the interrupts given.</summary>
    internal static async Task<int> InvokeAsync(IReadOnlyList<string> arguments, CommandConsole console, Interrupts interrupts)
    {
        var verbose = arguments.Contains("--verbose");
        try
        {
            var context = new CommandContext(console, interrupts);
            var parse = CreateRoot(context, engine: null).Parse(arguments, Parser);

            // The options of `stage` come from plugins, and which plugins there are from --config: the first parse finds that, the second knows the options.
            CommandEngine? engine = null;
            if (parse.CommandResult.Command.Name == StageVerb.Name)
            {
                engine = context.StartEngine(parse);
                parse = CreateRoot(context, engine).Parse(arguments, Parser);
            }

            await using (engine)
            {
                if (parse.Action is ParseErrorAction) return ReportUsage(parse, console);
                return await parse.InvokeAsync(
                    new InvocationConfiguration { Output = console.Out, Error = console.Error, EnableDefaultExceptionHandler = false, ProcessTerminationTimeout = null },
                    interrupts.Token);
            }
        }
        catch (OperationCanceledException) when (interrupts.Token.IsCancellationRequested)
        {
            if (console.ErrorIsTerminal) console.Error.WriteLine(); // Behind the prompt, or the ^C that the terminal echoes.
            console.Error.WriteLine("alpaca: cancelled");
            return ExitCodes.Cancelled;
        }
        catch (Exception e)
        {
            return ErrorReport.Write(console.Error, e, verbose);
        }
    }

    private static RootCommand CreateRoot(CommandContext context, CommandEngine? engine)
    {
        var root = new RootCommand("Turns original LLaMA weights into an instruction-tuned chat model, keeps it retrained, and runs it.")
        {
            context.Options.Config,
            context.Options.Workspace,
            context.Options.Verbose,
            ServeVerb.Create(context),
            RunVerb.Create(context),
            PlanVerb.Create(context),
            RunsVerb.Create(context),
            ModelsVerb.Create(context),
            StageVerb.Create(context, engine),
            StageWorkerVerb.Create(context),
            GenerateVerb.Create(context),
            ChatVerb.Create(context),
            TokenizeVerb.Create(context),
            InspectVerb.Create(context),
            BenchVerb.Create(context),
            PluginsVerb.Create(context),
        };
        root.SetAction((parse, cancellationToken) => ServeVerb.RunAsync(context, parse, urls: null, cancellationToken));
        return root;
    }

    private static int ReportUsage(ParseResult parse, CommandConsole console)
    {
        foreach (var message in UsageProblems.Describe(parse)) console.Error.WriteLine($"alpaca: {message}");
        var command = parse.CommandResult.Command;
        console.Error.WriteLine(command is RootCommand ? "Run `alpaca --help` for the verbs." : $"Run `alpaca {UsageProblems.PathOf(command)} --help` for its options.");
        return ExitCodes.Usage;
    }
}
