using System.Text;
using Microsoft.Extensions.Configuration;

namespace Alpaca.Host;

/// <summary>How a list is written as one text: separated by commas; <c>\,</c> is a comma that belongs to a value.</summary>
public static class OptionList
{
    /// <summary>The values in a text, without the blanks around them; empty ones are left out.</summary>
    public static IReadOnlyList<string> Split(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        var values = new List<string>();
        var value = new StringBuilder();
        for (var i = 0; i < text.Length; i++)
        {
            if (text[i] == '\\' && i + 1 < text.Length && text[i + 1] == ',')
            {
                value.Append(',');
                i++;
            }
            else if (text[i] == ',')
            {
                Add();
            }
            else
            {
                value.Append(text[i]);
            }
        }

        Add();
        return values;

        void Add()
        {
            if (value.ToString().Trim() is { Length: > 0 } trimmed) values.Add(trimmed);
            value.Clear();
        }
    }

    /// <summary>The values at a key of the configuration, written as one text or as a list; empty ones are left out.</summary>
    public static IReadOnlyList<string> Read(IConfigurationSection section)
    {
        ArgumentNullException.ThrowIfNull(section);
        return section.Value is { Length: > 0 } text ? Split(text) : [.. section.GetChildren().Select(child => child.Value ?? "").Where(value => value.Length > 0)];
    }

    /// <summary>Writes a value so that <see cref="Split"/> gives it back in one piece.</summary>
    public static string Escape(string value)
    {
        ArgumentNullException.ThrowIfNull(value);
        return value.Replace(",", "\\,", StringComparison.Ordinal);
    }
}
