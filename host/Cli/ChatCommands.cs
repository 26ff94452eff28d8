using System.Globalization;
using Alpaca.Abstractions;

namespace Alpaca.Host;

/// <summary>What can be said to the terminal's chat that is not for the model.</summary>
internal sealed class ChatCommands(ChatSession chat)
{
    private const string List = """
        /reset              forget the conversation
        /system TEXT        what stands before the first turn; without TEXT nothing
        /params             show how tokens are chosen
        /params NAME=VALUE  change it, several separated by blanks: /params temperature=0.7 top_k=0
        /exit               end
        """;

    private readonly Dictionary<string, Parameter> _parameters = new(StringComparer.OrdinalIgnoreCase)
    {
        ["temperature"] = new(options => options.Temperature, (options, value) => options with { Temperature = (float)value }, 0, 100),
        ["top_k"] = new(options => options.TopK, (options, value) => options with { TopK = (int)value }, 0, int.MaxValue, IsWhole: true),
        ["top_p"] = new(options => options.TopP, (options, value) => options with { TopP = (float)value }, 0.0001, 1),
        ["min_p"] = new(options => options.MinP, (options, value) => options with { MinP = (float)value }, 0, 1),
        ["repetition_penalty"] = new(options => options.RepetitionPenalty, (options, value) => options with { RepetitionPenalty = (float)value }, 0.01, 100),
        ["presence_penalty"] = new(options => options.PresencePenalty, (options, value) => options with { PresencePenalty = (float)value }, -2, 2),
        ["frequency_penalty"] = new(options => options.FrequencyPenalty, (options, value) => options with { FrequencyPenalty = (float)value }, -2, 2),
        ["max_tokens"] = new(options => options.MaxNewTokens, (options, value) => options with { MaxNewTokens = (int)value }, 1, int.MaxValue, IsWhole: true),
        ["seed"] = new(options => options.Seed, (options, value) => options with { Seed = (int)value }, int.MinValue, int.MaxValue, IsWhole: true),
    };

    /// <summary>Does what a line says, if it is a command.</summary>
    /// <returns>What to answer; <see langword="null"/> for a line that is meant for the model.</returns>
    public string? TryRun(string line)
    {
        if (line is not ['/', ..]) return null;
        var parts = line.Split(' ', 2, StringSplitOptions.TrimEntries);
        var argument = parts.ElementAtOrDefault(1) ?? "";
        switch (parts[0])
        {
            case "/help":
                return List;
            case "/reset":
                chat.Reset();
                return "The conversation is forgotten.";
            case "/system":
                chat.System = argument.Length > 0 ? argument : null;
                return argument.Length > 0 ? "It stands before the first turn from now on." : "Nothing stands before the first turn.";
            case "/params":
                return argument.Length == 0 ? Show() : Change(argument.Split(' ', StringSplitOptions.RemoveEmptyEntries));
            // A line that only looks like one, such as a path with an explanation, is for the model.
            default:
                return argument.Length == 0 ? $"{line} is not a command; /help lists them." : null;
        }
    }

    private string Show() => string.Join(' ', _parameters.Select(parameter => string.Create(CultureInfo.InvariantCulture, $"{parameter.Key}={parameter.Value.Get(chat.Options) as object ?? "none"}")));

    private string Change(string[] assignments)
    {
        var changed = chat.Options;
        foreach (var assignment in assignments)
        {
            if (assignment.Split('=', 2) is not [var name, var text] || !_parameters.TryGetValue(name, out var parameter))
                return $"{assignment} is not NAME=VALUE with one of {string.Join(", ", _parameters.Keys)}; nothing was changed.";
            if (!double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out var value) || !(value >= parameter.Least && value <= parameter.Most) || (parameter.IsWhole && value != Math.Truncate(value)))
                return string.Create(CultureInfo.InvariantCulture, $"{name} cannot be {text}; it must be {(parameter.IsWhole ? "a whole number" : "a number")} from {parameter.Least}{(parameter.Most < int.MaxValue ? $" to {parameter.Most}" : "")}. Nothing was changed.");
            changed = parameter.Set(changed, value);
        }

        chat.Options = changed;
        return Show();
    }

    private sealed record Parameter(Func<GenerationOptions, IFormattable?> Get, Func<GenerationOptions, double, GenerationOptions> Set, double Least, double Most, bool IsWhole = false);
}
