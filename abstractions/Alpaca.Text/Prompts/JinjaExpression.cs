namespace Alpaca.Text;

/// <summary>Strings of a prompt template as Jinja expressions.</summary>
internal static class JinjaExpression
{
    private const string Empty = "''";

    /// <summary>The statement that writes some expressions one after the other; nothing if all of them are empty.</summary>
    public static string Say(params string[] expressions)
    {
        var parts = expressions.Where(expression => expression != Empty).ToList();
        return parts.Count == 0 ? "" : $"{{{{- {string.Join(" + ", parts)} -}}}}";
    }

    /// <summary>The expression that gives a string: literals, and the variables that other programs have for beginning and end of sequence.</summary>
    public static string Of(string text)
    {
        var parts = new List<string>();
        var literal = 0;
        foreach (var token in PromptWriter.SpecialToken().EnumerateMatches(text))
        {
            if (Variable(text.Substring(token.Index, token.Length)) is not { } variable) continue;
            AddLiteral(token.Index);
            parts.Add(variable);
            literal = token.Index + token.Length;
        }
        AddLiteral(text.Length);
        return parts.Count == 0 ? Empty : string.Join(" + ", parts);

        void AddLiteral(int end)
        {
            if (end > literal) parts.Add($"'{text[literal..end].Replace("\\", "\\\\", StringComparison.Ordinal).Replace("'", "\\'", StringComparison.Ordinal).Replace("\n", "\\n", StringComparison.Ordinal)}'");
        }
    }

    private static string? Variable(string token) => token switch
    {
        PromptSegment.BeginOfSequence => "bos_token",
        PromptSegment.EndOfSequence => "eos_token",
        _ => null,
    };
}
