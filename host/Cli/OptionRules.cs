using System.CommandLine;
using System.CommandLine.Parsing;
using System.Globalization;
using System.Numerics;

namespace Alpaca.Host;

/// <summary>Limits of values, checked while the command line is parsed.</summary>
/// <remarks>They hang on the command: System.CommandLine stops at the first rule of a command that fails before it looks at those of its options, and all problems are to be reported at once.</remarks>
internal static class OptionRules
{
    /// <summary>Adds a number that must be in a range.</summary>
    public static void AddNumber<T>(this Command command, Option<T?> option, T? least = null, T? most = null) where T : struct, INumber<T>, IMinMaxValue<T>
    {
        command.Add(option);
        var kind = T.CreateSaturating(0.5) == T.Zero ? "a whole number" : "a number";
        var expected = (least, most) switch
        {
            ({ } low, { } high) => $"{kind} from {Text(low)} to {Text(high)}",
            ({ } low, null) => $"{kind} from {Text(low)}",
            _ => kind,
        };
        command.Validators.Add(result =>
        {
            if (result.GetResult(option)?.Tokens is not [var token]) return;
            if (!T.TryParse(token.Value, CultureInfo.InvariantCulture, out var value) || !(value >= (least ?? T.MinValue) && value <= (most ?? T.MaxValue)))
                result.AddError($"{option.Name} is '{token.Value}'; it must be {expected}.");
        });
    }

    /// <summary>Refuses an argument that looks like an option: it is a mistyped one.</summary>
    public static void RefuseOptions(this Argument argument) => argument.Validators.Add(result =>
    {
        if (result.Parent is not CommandResult { Command: var command }) return;
        foreach (var token in result.Tokens.Select(t => t.Value).Where(t => t is ['-', _, ..])) result.AddError(UsageProblems.UnknownOption(command, token));
    });

    private static string Text<T>(T value) where T : INumber<T> => value.ToString(null, CultureInfo.InvariantCulture);
}
