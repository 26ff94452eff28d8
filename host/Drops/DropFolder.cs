using System.Globalization;
using Alpaca.Abstractions;

namespace Alpaca.Host;

/// <summary>A pipeline's section <c>Drops</c>: the folder where instruction data is dropped, with what was taken and what was not.</summary>
/// <param name="Path">The folder.</param>
/// <param name="Quiet">How long a file must be still before it counts.</param>
public sealed record DropFolder(string Path, TimeSpan Quiet)
{
    private static readonly TimeSpan DefaultQuiet = TimeSpan.FromSeconds(5);

    /// <summary>Files that were taken, as <c>&lt;SHA-256&gt;-&lt;name&gt;</c>.</summary>
    public string Accepted => System.IO.Path.Combine(Path, "accepted");

    /// <summary>Files that cannot be used, each beside a <c>.reason.json</c>.</summary>
    public string Rejected => System.IO.Path.Combine(Path, "rejected");

    /// <summary>Marks, across restarts, that data was accepted which no successful run has seen.</summary>
    public string RunOwedMarker => System.IO.Path.Combine(Path, ".run-owed");

    /// <summary>The drop folder of a pipeline, or <see langword="null"/> where it has none.</summary>
    /// <exception cref="AlpacaUsageException">The section cannot be used; names the key.</exception>
    public static DropFolder? Of(AlpacaSettings settings, PipelineDefinition pipeline)
    {
        ArgumentNullException.ThrowIfNull(settings);
        ArgumentNullException.ThrowIfNull(pipeline);
        var section = settings.Configuration.GetSection($"{pipeline.Key}:Drops");
        if (!section.GetChildren().Any()) return null;
        if (section["Folder"] is not { Length: > 0 } folder) throw new AlpacaUsageException($"{pipeline.Key}:Drops:Folder is missing: the folder to watch.");
        var quiet = DefaultQuiet;
        if (section["QuietSeconds"] is { Length: > 0 } text)
        {
            if (!double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out var seconds) || seconds is not (>= 0.1 and <= 86400))
                throw new AlpacaUsageException($"{pipeline.Key}:Drops:QuietSeconds is '{text}'; it must be a number from 0.1 to 86400.");
            quiet = TimeSpan.FromSeconds(seconds);
        }

        return new DropFolder(System.IO.Path.GetFullPath(folder, settings.BaseFolder), quiet);
    }

    /// <summary>Makes the folders where they do not exist.</summary>
    /// <exception cref="AlpacaException">They cannot be made.</exception>
    public void Create()
    {
        try
        {
            Directory.CreateDirectory(Accepted);
            Directory.CreateDirectory(Rejected);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new AlpacaException($"The drop folder {Path} cannot be made ({e.Message}); make it writable, or change Drops:Folder.", e);
        }
    }
}
