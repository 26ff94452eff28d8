using System.CommandLine;

namespace Alpaca.Host;

/// <summary>What is wrong with a command line, all of it, in words that name the option.</summary>
internal static class UsageProblems
{
    /// <summary>One sentence for each problem.</summary>
    public static IReadOnlyList<string> Describe(ParseResult parse)
    {
        var command = parse.CommandResult.Command;
        var unmatched = parse.UnmatchedTokens;
        var problems = new List<string>();
        for (var i = 0; i < unmatched.Count; i++)
        {
            if (unmatched[i].StartsWith('-')) problems.Add(UnknownOption(command, unmatched[i]));
            else if (i == 0 || !unmatched[i - 1].StartsWith('-')) problems.Add(UnknownArgument(command, unmatched[i]));
            // What follows an unknown option is its value, and is not reported by itself.
        }

        foreach (var error in parse.Errors.Where(e => !unmatched.Any(u => e.Message.Contains($"'{u}'", StringComparison.Ordinal))))
            problems.Add(error.Message.EndsWith('.') ? error.Message : $"{error.Message}.");
        return [.. problems.Distinct()];
    }

    /// <summary>The command's name behind those of its parents, without the executable's: <c>stage train</c>.</summary>
    public static string PathOf(Command command)
    {
        var names = new Stack<string>();
        for (Symbol? symbol = command; symbol is Command and not RootCommand; symbol = symbol.Parents.FirstOrDefault()) names.Push(symbol.Name);
        return string.Join(' ', names);
    }

    private static string UnknownOption(Command command, string token)
    {
        var name = token.Split('=')[0];
        var hint = NearestName.Suggest(name, OptionNames(command));
        return command is RootCommand ? $"{name} is not an option{End(hint)}" : $"{name} is not an option of `{PathOf(command)}`{End(hint)}";
    }

    private static string UnknownArgument(Command command, string token) => command is RootCommand
        ? $"{token} is not a verb{End(NearestName.Suggest(token, command.Subcommands.Select(c => c.Name)))}"
        : $"{token} is an argument that `{PathOf(command)}` does not take.";

    private static IEnumerable<string> OptionNames(Command command)
    {
        for (Symbol? symbol = command; symbol is Command c; symbol = symbol.Parents.FirstOrDefault())
        {
            foreach (var option in c.Options.Where(o => symbol == command || o.Recursive)) yield return option.Name;
        }
    }

    private static string End(string hint) => hint.Length > 0 ? hint : ".";
}
