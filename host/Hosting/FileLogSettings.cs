using Alpaca.Abstractions;

namespace Alpaca.Host;

/// <summary>The configuration section <c>Logging:File</c>: where <c>serve</c> logs besides the console.</summary>
/// <param name="Path">The file, absolute; each day's has the date before its extension, and further ones of a day a number after that.</param>
/// <param name="MaxFileBytes">How large a file may become before the next one begins, from 65,536 to 1 TiB. The default is 100 MiB.</param>
/// <param name="RetainedFiles">How many files are kept, from 1 to 10,000; the oldest go first. The default is 31.</param>
internal sealed record FileLogSettings(string Path, long MaxFileBytes = 100 << 20, int RetainedFiles = 31)
{
    private const string Section = "Logging:File";
    private static readonly string[] Keys = [nameof(Path), nameof(MaxFileBytes), nameof(RetainedFiles)];

    /// <summary>Reads the section, and makes the file's folder.</summary>
    /// <returns><see langword="null"/> where no file is named.</returns>
    /// <exception cref="AlpacaUsageException">A key is unknown, a value cannot be used, or nothing can be written there; one line for each.</exception>
    public static FileLogSettings? Read(AlpacaSettings settings)
    {
        var section = settings.Configuration.GetSection(Section);
        var errors = new List<string>();
        if (section.Value is { Length: > 0 } value) errors.Add($"{Section} is '{value}'; it must be a section in braces: the file's name belongs in {Section}:{nameof(Path)}.");
        foreach (var key in section.GetChildren().Select(child => child.Key).Where(key => !Keys.Contains(key, StringComparer.OrdinalIgnoreCase)))
            errors.Add($"{Section}:{key} is not a known key (there is {string.Join(", ", Keys)}){NearestName.Suggest(key, Keys)}");
        var reader = new SectionReader(section, errors);
        var file = reader.Text(nameof(Path)) is { } path ? settings.Paths.Resolve(path) : null;
        var defaults = new FileLogSettings("");
        var read = new FileLogSettings(
            file ?? "",
            reader.Whole(nameof(MaxFileBytes), defaults.MaxFileBytes, 65_536, 1L << 40),
            reader.Whole(nameof(RetainedFiles), defaults.RetainedFiles, 1, 10_000));
        if (file is not null && WhyNotWritable(file) is { } reason)
            reader.Report(nameof(Path), $"is {file}, where no log can be written ({reason}); let the service's account write there, or name another file.");
        return reader.Checked(file is null ? null : read);
    }

    /// <summary>A log that cannot be written says so nowhere, so that is found out before.</summary>
    private static string? WhyNotWritable(string path)
    {
        if (Directory.Exists(path) || System.IO.Path.GetFileName(path).Length == 0) return "it is a folder";
        try
        {
            Directory.CreateDirectory(System.IO.Path.GetDirectoryName(path)!);
            new FileStream(TemporaryName.Partial(path), FileMode.CreateNew, FileAccess.Write, FileShare.None, 1, FileOptions.DeleteOnClose).Dispose();
            return null;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return e.Message.TrimEnd('.');
        }
    }
}
