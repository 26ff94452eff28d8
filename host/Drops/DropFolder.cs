using System.Globalization;
using Alpaca.Abstractions;

namespace Alpaca.Host;

/// <summary>A pipeline's section <c>Drops</c>: the folder where instruction data is dropped, with what was taken and what was not.</summary>
/// <param name="Path">The folder.</param>
/// <param name="Quiet">How long a file must be still before it counts.</param>
/// <param name="MinNewSamples">How many new samples start the pipeline. The default is 1.</param>
public sealed record DropFolder(string Path, TimeSpan Quiet, int MinNewSamples = 1)
{
    private static readonly TimeSpan DefaultQuiet = TimeSpan.FromSeconds(5);

    /// <summary>Files that were taken, as <c>&lt;SHA-256&gt;-&lt;name&gt;</c>.</summary>
    public string Accepted => System.IO.Path.Combine(Path, "accepted");

    /// <summary>Files that cannot be used, each beside a <c>.reason.json</c>.</summary>
    public string Rejected => System.IO.Path.Combine(Path, "rejected");

    /// <summary>How many samples were accepted that no successful run has seen.</summary>
    public string NewSamplesFile => System.IO.Path.Combine(Path, ".new-samples");

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

        var minNewSamples = 1;
        if (section["MinNewSamples"] is { Length: > 0 } count && !(int.TryParse(count, NumberStyles.None, CultureInfo.InvariantCulture, out minNewSamples) && minNewSamples > 0))
            throw new AlpacaUsageException($"{pipeline.Key}:Drops:MinNewSamples is '{count}'; it must be a whole number from 1.");
        return new DropFolder(settings.Paths.Resolve(folder), quiet, minNewSamples);
    }

    /// <summary>Makes the folders where they do not exist. What has taken the name of one, or of the note of new samples, gets another name, and so is taken for a dropped file.</summary>
    /// <exception cref="AlpacaException">They cannot be made.</exception>
    public void Create()
    {
        try
        {
            Directory.CreateDirectory(Path);
            foreach (var folder in (string[])[Accepted, Rejected])
            {
                ClearTheWay(folder, DropKind.Folder);
                Directory.CreateDirectory(folder);
            }

            ClearTheWay(NewSamplesFile, DropKind.File);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new AlpacaException($"The drop folder {Path} cannot be made ({e.Message}); make it writable, or change Drops:Folder.", e);
        }
    }

    // A link to elsewhere must not lead what is accepted out of the folder.
    private void ClearTheWay(string path, DropKind expected)
    {
        if (DropFiles.StateOf(path) is not { } state || state.Kind == expected) return;
        var name = System.IO.Path.GetFileName(path).TrimStart('.');
        for (var i = 2; ; i++)
        {
            var free = System.IO.Path.Combine(Path, $"{name}-{i.ToString(CultureInfo.InvariantCulture)}");
            if (DropFiles.StateOf(free) is not null) continue;
            DropFiles.Move(path, free);
            return;
        }
    }
}
