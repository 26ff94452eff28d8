using System.Text;
using Spectre.Console;

namespace Alpaca.Host;

/// <summary>The standard streams of a command: results go to <see cref="Out"/>, everything else to <see cref="Error"/>.</summary>
public sealed class CommandConsole
{
    /// <summary>Makes a console of three streams, none of them a terminal.</summary>
    public CommandConsole(TextReader input, TextWriter output, TextWriter error)
        : this(input, output, error, inputIsTerminal: false, outputIsTerminal: false, errorIsTerminal: false) { }

    private CommandConsole(TextReader input, TextWriter output, TextWriter error, bool inputIsTerminal, bool outputIsTerminal, bool errorIsTerminal)
    {
        (In, Out, Error) = (input, output, error);
        (InputIsTerminal, ErrorIsTerminal) = (inputIsTerminal, errorIsTerminal);
        OutTables = CreateAnsi(output, outputIsTerminal);
        ErrorLines = CreateAnsi(error, errorIsTerminal);
    }

    /// <summary>Standard input, read as UTF-8.</summary>
    public TextReader In { get; }

    /// <summary>Standard output, written as UTF-8.</summary>
    public TextWriter Out { get; }

    /// <summary>Standard error, written as UTF-8.</summary>
    public TextWriter Error { get; }

    /// <summary>Whether a person types the input.</summary>
    public bool InputIsTerminal { get; }

    /// <summary>Whether a person sees what goes to standard error as it comes, so that progress bars make sense.</summary>
    public bool ErrorIsTerminal { get; }

    /// <summary>Standard output for tables.</summary>
    public IAnsiConsole OutTables { get; }

    /// <summary>Standard error for bars and lines; lines written here do not disturb the bars.</summary>
    public IAnsiConsole ErrorLines { get; }

    /// <summary>The streams of this process.</summary>
    public static CommandConsole ForProcess()
    {
        // A terminal is read through Console.In, which knows how to edit a line; a pipe directly, because Console.In would decode it by the locale.
        var input = Console.IsInputRedirected ? new StreamReader(Console.OpenStandardInput(), Encoding.UTF8) : Console.In;
        return new CommandConsole(input, Console.Out, Console.Error, !Console.IsInputRedirected, !Console.IsOutputRedirected, !Console.IsErrorRedirected);
    }

    private static IAnsiConsole CreateAnsi(TextWriter writer, bool isTerminal)
    {
        var console = AnsiConsole.Create(new AnsiConsoleSettings
        {
            Out = new AnsiConsoleOutput(writer),
            Ansi = isTerminal ? AnsiSupport.Detect : AnsiSupport.No,
            Interactive = isTerminal ? InteractionSupport.Detect : InteractionSupport.No,
            ColorSystem = isTerminal ? ColorSystemSupport.Detect : ColorSystemSupport.NoColors,
        });
        if (!isTerminal) console.Profile.Width = 1000; // A file or a pipe has no width at which a line must break.
        return console;
    }
}
