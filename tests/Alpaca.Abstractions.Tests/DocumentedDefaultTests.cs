using System.Collections;
using System.Globalization;
using System.Text.RegularExpressions;
using System.Xml.Linq;

namespace Alpaca.Abstractions.Tests;

/// <summary>What the documentation says a default is, which is what plugin writers go by, it is.</summary>
public sealed partial class DocumentedDefaultTests
{
    private static readonly Dictionary<string, string> Summaries = XDocument.Load(Path.ChangeExtension(Contracts.Assembly.Location, ".xml")).Descendants("member")
        .Where(member => member.Element("summary") is not null).ToDictionary(member => member.Attribute("name")!.Value, member => Blanks().Replace(member.Element("summary")!.ToString(), " "));

    [Fact]
    public void Summaries_SayingWhatADefaultIs_AreRight()
    {
        var wrong = new List<string>();
        var checkedOnes = 0;
        foreach (var type in Contracts.WithDefaults)
        {
            var defaults = Contracts.Create(type);
            foreach (var property in Contracts.PropertiesOf(type).Where(property => property.DeclaringType!.Assembly == Contracts.Assembly))
            {
                if (Sentence().Match(Summaries[$"P:{property.DeclaringType!.FullName}.{property.Name}"]) is not { Success: true } said) continue;
                checkedOnes++;
                if (!Is(property.GetValue(defaults), said)) wrong.Add($"{type.Name}.{property.Name} is {property.GetValue(defaults) ?? "null"} and not as in: {said.Value}");
            }
        }

        wrong.Should().BeEmpty();
        checkedOnes.Should().BeGreaterThan(80, "most defaults are said in words that are understood here");
    }

    private static bool Is(object? value, Match said)
    {
        if (said.Groups["none"].Success) return value is null or "" or 0 or ICollection { Count: 0 };
        if (said.Groups["word"].Value is { Length: > 0 } word) return word == (value is null ? "null" : value is bool truth ? truth ? "true" : "false" : value.ToString());
        if (said.Groups["text"].Value is { Length: > 0 } text) return text == (value is IEnumerable<string> list ? string.Join(',', list) : value as string);
        var number = double.Parse(said.Groups["number"].Value, CultureInfo.InvariantCulture);
        return value switch
        {
            float single => single == (float)number,
            IConvertible => Convert.ToDouble(value, CultureInfo.InvariantCulture) == number,
            _ => false,
        };
    }

    [GeneratedRegex("""The default is (?:<see langword="(?<word>true|false|null)" ?/>|<see cref="F:[\w.]+\.(?<word>\w+)" ?/>|<c>(?<text>[^<]+)</c>|(?<none>none)|(?<number>[0-9.]*[0-9](?:e-?[0-9]+)?))(?=[.,:;]|(?: as)? in the original|<)""")]
    private static partial Regex Sentence();

    [GeneratedRegex(@"\s+")]
    private static partial Regex Blanks();
}
