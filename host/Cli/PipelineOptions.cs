using System.CommandLine;
using Alpaca.Abstractions;

namespace Alpaca.Host;

/// <summary>What <c>run</c> and <c>plan</c> have in common: a pipeline and which of its stages.</summary>
internal sealed class PipelineOptions
{
    private readonly Argument<string?> _pipeline = new("pipeline") { Description = "The pipeline [default: DefaultPipeline of the configuration]", Arity = ArgumentArity.ZeroOrOne };
    private readonly Option<string?> _until = new("--until") { Description = "Stop after this stage", HelpName = "STAGE" };
    private readonly Option<string[]> _force = new("--force") { Description = "Run this stage even if it is up to date, or all of them; may be given several times", HelpName = "STAGE|all" };
    private readonly Option<string[]> _set = new("--set") { Description = "Change the configuration for this time: Stages:train:LoraRank=16, or a full key; may be given several times", HelpName = "KEY=VALUE" };

    public PipelineOptions() => _pipeline.RefuseOptions();

    public void AddTo(Command command)
    {
        command.Add(_pipeline);
        command.Add(_until);
        command.Add(_force);
        command.Add(_set);
    }

    /// <summary>Starts an engine on the configuration with <c>--set</c> applied.</summary>
    public CommandEngine StartEngine(CommandContext context, ParseResult parse)
        => context.StartEngine(parse, context.ReadSettings(parse, parse.GetValue(_set), parse.GetValue(_pipeline)));

    /// <summary>The pipeline that is named, or the default one.</summary>
    /// <exception cref="AlpacaUsageException">There is none of that name, or something in the configuration or the pipeline is wrong; one line for each problem.</exception>
    public PipelineDefinition GetPipeline(CommandEngine engine, ParseResult parse)
    {
        PipelineDefinition? pipeline = null;
        var check = new ConfigurationCheck(engine.Settings);
        check.Try(() => pipeline = engine.Settings.GetPipeline(parse.GetValue(_pipeline)));
        if (pipeline is not null) check.Check(pipeline, engine.Get<PipelineValidator>(), engine.Catalog);
        check.ThrowIfAny();
        return pipeline!;
    }

    /// <summary>Whether the pipeline is run whole and as it is configured, as the service runs it.</summary>
    public bool RunsAllAsConfigured(ParseResult parse) => parse.GetValue(_until) is null && parse.GetValue(_set) is not { Length: > 0 };

    /// <summary>Which stages.</summary>
    public RunOptions GetRunOptions(ParseResult parse)
        => new() { Until = parse.GetValue(_until), Force = [.. (parse.GetValue(_force) ?? []).SelectMany(f => f.Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries))] };
}
