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
    /// <exception cref="AlpacaUsageException">The section cannot be used; one line for each problem.</exception>
    public static DropFolder? Of(AlpacaSettings settings, PipelineDefinition pipeline)
    {
        ArgumentNullException.ThrowIfNull(settings);
        ArgumentNullException.ThrowIfNull(pipeline);
        var section = new SectionReader(settings, $"{pipeline.Key}:Drops");
        if (!section.Exists) return null;
        var folder = section.Text("Folder");
        if (folder is null) section.Report("Folder", "is missing: the folder to watch.");
        return section.Checked(new DropFolder(
            settings.Paths.Resolve(folder ?? ""),
            section.Seconds("QuietSeconds", DefaultQuiet, 0.1, 86400),
            section.Whole("MinNewSamples", 1, 1)));
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
