using System.Globalization;
using System.Numerics;
using Alpaca.Abstractions;
using Microsoft.Extensions.Configuration;

namespace Alpaca.Host;

/// <summary>Reads the values of a configuration section. One that is missing or empty is what holds otherwise; so is one that cannot be used, which becomes a problem that names its key.</summary>
/// <param name="section">The section.</param>
/// <param name="problems">Gets one sentence for each value that cannot be used.</param>
internal sealed class SectionReader(IConfigurationSection section, ICollection<string> problems)
{
    /// <summary>Reads a section whose problems are nobody else's; <see cref="Checked"/> says what they are.</summary>
    public SectionReader(AlpacaSettings settings, string key) : this(settings.Configuration.GetSection(key), []) { }

    /// <summary>Whether there is such a section.</summary>
    public bool Exists => section.GetChildren().Any();

    /// <summary>A section in this one, whose problems become this one's.</summary>
    public SectionReader Section(string name) => new(section.GetSection(name), problems);

    /// <summary>The full key of a value, as problems name it.</summary>
    public string KeyOf(string name) => $"{section.Path}:{name}";

    /// <summary>Adds a problem.</summary>
    /// <param name="name">The name of the value that it is about.</param>
    /// <param name="what">The sentence after the key: <c>is missing; name one.</c></param>
    public void Report(string name, string what) => problems.Add($"{KeyOf(name)} {what}");

    /// <summary>A text; <see langword="null"/> where it is missing or empty.</summary>
    public string? Text(string name) => section[name] is { Length: > 0 } text ? text : null;

    /// <summary>Several texts, from a list or from one text with commas; empty ones are left out.</summary>
    public IReadOnlyList<string> Texts(string name) => OptionList.Read(section.GetSection(name));

    /// <summary><c>true</c> or <c>false</c>.</summary>
    public bool Flag(string name, bool otherwise) => Value<bool>(name, "true or false", text => bool.TryParse(text, out var truth) ? truth : null) ?? otherwise;

    /// <summary>A whole number, without a sign.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="otherwise">What holds where it is missing.</param>
    /// <param name="least">The least that it may be.</param>
    /// <param name="most">The most that it may be; the default is what the type can hold.</param>
    public T Whole<T>(string name, T otherwise, T least, T? most = null) where T : struct, IBinaryInteger<T>
        => Value<T>(
            name,
            most is null ? Invariant($"a whole number from {least}") : Invariant($"a whole number from {least} to {most}"),
            text => T.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number) && number >= least && !(number > most) ? number : null) ?? otherwise;

    /// <summary>A number, perhaps with a fraction.</summary>
    public double Number(string name, double otherwise, double least, double most)
        => Value<double>(
            name,
            Invariant($"a number from {least:0.###} to {most:0.###}"),
            text => double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out var number) && number >= least && number <= most ? number : null) ?? otherwise;

    /// <summary>A number of seconds, perhaps with a fraction.</summary>
    public TimeSpan Seconds(string name, TimeSpan otherwise, double least, double most) => TimeSpan.FromSeconds(Number(name, otherwise.TotalSeconds, least, most));

    /// <summary>A value of an enumeration, by its name.</summary>
    public T Choice<T>(string name, T otherwise) where T : struct, Enum
        => Value<T>(name, EnumText.Names<T>(), text => EnumText.TryParse(text, out T choice) ? choice : null) ?? otherwise;

    /// <summary>A value of a form of its own.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="expected">What it must be, for the problem: <c>a size such as 8GB</c>.</param>
    /// <param name="parse">Reads it, without the blanks around it; <see langword="null"/> where it cannot be used.</param>
    /// <returns><see langword="null"/> where it is missing or cannot be used.</returns>
    public T? Value<T>(string name, string expected, Func<string, T?> parse) where T : struct
    {
        if (Text(name) is not { } text) return null;
        if (parse(text.Trim()) is { } value) return value;
        Report(name, $"is '{text}'; it must be {expected}.");
        return null;
    }

    /// <summary>What was read, if all of it can be used.</summary>
    /// <exception cref="AlpacaUsageException">Something cannot; one line for each problem.</exception>
    public T Checked<T>(T read) => problems.Count == 0 ? read : throw new AlpacaUsageException(string.Join('\n', problems));

    private static string Invariant(FormattableString text) => FormattableString.Invariant(text);
}
