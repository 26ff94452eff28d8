using System.CommandLine;

namespace Alpaca.Host;

/// <summary>What is wrong with a command line, all of it, in words that name the option.</summary>
internal static class UsageProblems
{
    /// <summary>One sentence for each problem.</summary>
    public static IReadOnlyList<string> Describe(ParseResult parse)
    {
        var command = parse.CommandResult.Command;
        if (command.Subcommands.Count > 0 && (parse.UnmatchedTokens.Count > 0 || command is not RootCommand)) return [MissingSubcommand(command, parse.UnmatchedTokens)];
        var problems = new List<string>();
        for (var i = 0; i < parse.UnmatchedTokens.Count; i++)
        {
            // What follows an unknown option is its value, and is not reported by itself.
            if (parse.UnmatchedTokens[i].StartsWith('-')) problems.Add(UnknownOption(command, parse.UnmatchedTokens[i]));
            else if (i == 0 || !parse.UnmatchedTokens[i - 1].StartsWith('-')) problems.Add($"{parse.UnmatchedTokens[i]} is an argument that `{PathOf(command)}` does not take.");
        }

        // System.CommandLine's own words for the unmatched tokens are left out.
        problems.AddRange(parse.Errors.Select(e => e.Message).Where(m => !parse.UnmatchedTokens.Any(t => m.EndsWith($" '{t}'.", StringComparison.Ordinal))));
        return [.. problems.Distinct().Select(p => p.EndsWith('.') || p.EndsWith('?') ? p : $"{p}.")];
    }

    /// <summary>The command's name behind those of its parents, without the executable's: <c>stage train</c>.</summary>
    public static string PathOf(Command command)
    {
        var names = new Stack<string>();
        for (Symbol? symbol = command; symbol is Command and not RootCommand; symbol = symbol.Parents.FirstOrDefault()) names.Push(symbol.Name);
        return string.Join(' ', names);
    }

    /// <summary>The sentence about an option that does not exist.</summary>
    public static string UnknownOption(Command command, string token)
    {
        var name = token.Split('=')[0];
        var where = command is RootCommand ? "" : $" of `{PathOf(command)}`";
        return $"{name} is not an option{where}{NearestName.Suggest(name, OptionNames(command))}";
    }

    private static string MissingSubcommand(Command command, IReadOnlyList<string> tokens)
    {
        var what = command is RootCommand ? "verb" : command.Name;
        var names = command.Subcommands.Where(c => !c.Hidden).Select(c => c.Name).ToList();
        if (tokens.FirstOrDefault(t => !t.StartsWith('-')) is { } wrong) return $"{wrong} is not a {what} (there is {string.Join(", ", names)}){NearestName.Suggest(wrong, names)}";
        return tokens.Count > 0 ? UnknownOption(command, tokens[0]) : $"Name a {what}: {string.Join(", ", names)}.";
    }

    private static IEnumerable<string> OptionNames(Command command)
    {
        for (Symbol? symbol = command; symbol is Command c; symbol = symbol.Parents.FirstOrDefault())
        {
            foreach (var option in c.Options.Where(o => symbol == command || o.Recursive)) yield return option.Name;
        }
    }
}
