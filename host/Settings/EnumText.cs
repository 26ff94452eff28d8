namespace Alpaca.Host;

/// <summary>Enumerations in configuration: by name, without regard to case, never by number.</summary>
internal static class EnumText
{
    /// <summary>Reads a name.</summary>
    public static bool TryParse<T>(string text, out T value) where T : struct, Enum
        => Enum.TryParse(text, ignoreCase: true, out value) && Enum.GetNames<T>().Contains(text, StringComparer.OrdinalIgnoreCase);

    /// <summary>The names as a sentence lists them: <c>A, B or C</c>.</summary>
    public static string Names<T>() where T : struct, Enum
    {
        var names = Enum.GetNames<T>();
        return names.Length == 1 ? names[0] : $"{string.Join(", ", names[..^1])} or {names[^1]}";
    }
}
