using System.CommandLine;

namespace Alpaca.Host;

/// <summary>What <c>run</c> and <c>plan</c> have in common: a pipeline and which of its stages.</summary>
internal sealed class PipelineOptions
{
    private readonly Argument<string?> _pipeline = new("pipeline") { Description = "The pipeline [default: DefaultPipeline of the configuration]", Arity = ArgumentArity.ZeroOrOne };
    private readonly Option<string?> _until = new("--until") { Description = "Stop after this stage", HelpName = "STAGE" };
    private readonly Option<string[]> _force = new("--force") { Description = "Run this stage even if it is up to date, or all of them; may be given several times", HelpName = "STAGE|all" };
    private readonly Option<string[]> _set = new("--set") { Description = "Change the configuration for this time: Stages:train:LoraRank=16, or a full key; may be given several times", HelpName = "KEY=VALUE" };

    public void AddTo(Command command)
    {
        command.Add(_pipeline);
        command.Add(_until);
        command.Add(_force);
        command.Add(_set);
    }

    /// <summary>The configuration with <c>--set</c> applied.</summary>
    public AlpacaSettings LoadSettings(CommandContext context, ParseResult parse) => context.LoadSettings(parse, parse.GetValue(_set), parse.GetValue(_pipeline));

    /// <summary>The pipeline that is named, or the default one.</summary>
    public PipelineDefinition GetPipeline(AlpacaSettings settings, ParseResult parse) => settings.GetPipeline(parse.GetValue(_pipeline));

    /// <summary>Which stages.</summary>
    public RunOptions GetRunOptions(ParseResult parse)
        => new() { Until = parse.GetValue(_until), Force = [.. (parse.GetValue(_force) ?? []).SelectMany(f => f.Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries))] };
}
