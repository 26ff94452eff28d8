using System.CommandLine;

namespace Alpaca.Host;

/// <summary>What every verb needs: the streams, the global options, and the way to an engine.</summary>
internal sealed class CommandContext(CommandConsole console, Interrupts interrupts)
{
    public CommandConsole Console { get; } = console;

    /// <summary>Ctrl+C and SIGTERM.</summary>
    public Interrupts Interrupts { get; } = interrupts;

    public GlobalOptions Options { get; } = new();

    /// <summary>Reads the configuration that the command line names.</summary>
    public AlpacaSettings LoadSettings(ParseResult parse) => AlpacaSettings.Load(parse.GetValue(Options.Config), parse.GetValue(Options.Workspace), []);

    /// <summary>Reads the configuration as <see cref="LoadSettings"/> does, for verbs that report what is wrong with its keys together with what is wrong with its pipelines.</summary>
    /// <param name="parse">The command line.</param>
    /// <param name="overrides">The values of <c>--set</c>.</param>
    /// <param name="pipeline">The pipeline to which <c>--set Stages:…</c> belongs; <see langword="null"/> for the default one.</param>
    public AlpacaSettings ReadSettings(ParseResult parse, IReadOnlyList<string>? overrides = null, string? pipeline = null)
        => AlpacaSettings.Read(parse.GetValue(Options.Config), parse.GetValue(Options.Workspace), overrides ?? [], pipeline);

    /// <summary>Starts an engine that logs to standard error: warnings, or everything with <c>--verbose</c>.</summary>
    public CommandEngine StartEngine(ParseResult parse, AlpacaSettings settings) => CommandEngine.Start(settings, Console, parse.GetValue(Options.Verbose));

    /// <summary>Starts an engine on the configuration that the command line names.</summary>
    public CommandEngine StartEngine(ParseResult parse) => StartEngine(parse, LoadSettings(parse));
}
