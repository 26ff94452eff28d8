using System.Text.Json;
using System.Text.RegularExpressions;

namespace Alpaca.Host.Tests;

/// <summary>A command run in this process, and what it left behind.</summary>
internal sealed record CommandRun(int ExitCode, string Output, string Error)
{
    public JsonElement Json => JsonDocument.Parse(Output).RootElement;

    public static Task<CommandRun> InvokeAsync(params string[] arguments) => WithInputAsync("", arguments);

    public static async Task<CommandRun> WithInputAsync(string input, params string[] arguments)
    {
        using var interrupts = new Interrupts();
        return await WithInterruptsAsync(interrupts, input, arguments);
    }

    public static async Task<CommandRun> WithInterruptsAsync(Interrupts interrupts, string input, params string[] arguments)
    {
        using var output = new StringWriter { NewLine = "\n" };
        using var error = new StringWriter { NewLine = "\n" };
        var exitCode = await CommandLine.InvokeAsync(arguments, new CommandConsole(new StringReader(input), output, TextWriter.Synchronized(error)), interrupts);
        return new CommandRun(exitCode, output.ToString(), error.ToString());
    }

    public CommandRun ShouldSucceed()
    {
        ExitCode.Should().Be(ExitCodes.Success, "standard error was: {0}", Error);
        return this;
    }

    /// <summary>Failed with these sentences, no result and no stack trace.</summary>
    public CommandRun ShouldFail(int exitCode, params string[] messages)
    {
        ExitCode.Should().Be(exitCode, "standard error was: {0}", Error);
        foreach (var message in messages) Error.Should().Match($"*{message}*");
        Error.Should().NotMatchRegex(new Regex(@"^\s+at ", RegexOptions.Multiline));
        Output.Should().BeEmpty();
        return this;
    }
}
