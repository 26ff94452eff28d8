using System.CommandLine;
using Spectre.Console;

namespace Alpaca.Host;

/// <summary><c>alpaca plugins</c>: what is loaded, and why something is not.</summary>
internal static class PluginsVerb
{
    public static Command Create(CommandContext context)
    {
        var digests = new Option<bool>("--digests") { Description = "The SHA-256 of each plugin's files, for Plugins:Sha256 [default: false]" };
        var command = new Command("plugins", "List the plugins, their states, stages and backends") { digests, context.Options.Json };
        command.SetAction((parse, _) => parse.GetValue(digests) ? RunDigestsAsync(context, parse) : RunAsync(context, parse));
        return command;
    }

    private static async Task<int> RunAsync(CommandContext context, ParseResult parse)
    {
        await using var engine = context.StartEngine(parse);
        var plugins = engine.Catalog.Plugins;
        if (parse.GetValue(context.Options.Json)) JsonOutput.Write(context.Console.Out, plugins);
        else context.Console.OutTables.Write(CreateTable(plugins));
        return ExitCodes.Success;
    }

    private static async Task<int> RunDigestsAsync(CommandContext context, ParseResult parse)
    {
        await using var engine = context.StartEngine(parse);
        var digests = engine.Catalog.Plugins.ToDictionary(plugin => plugin.Name, plugin => PluginDigest.Of(plugin.Folder));
        if (parse.GetValue(context.Options.Json)) JsonOutput.Write(context.Console.Out, digests);
        else foreach (var (name, sha256) in digests) context.Console.Out.WriteLine($"{sha256}  {name}");
        return ExitCodes.Success;
    }

    private static Table CreateTable(IReadOnlyList<PluginInfo> plugins)
    {
        var table = Tables.Create("Plugin", "Version", "State", "Stages", "Backends", "Reason");
        foreach (var plugin in plugins)
            table.AddTextRow(plugin.Name, plugin.Version, plugin.State.ToString(), string.Join(", ", plugin.Stages), string.Join(", ", plugin.Backends), plugin.Reason ?? "");
        return table;
    }
}
