using System.ComponentModel;
using System.ComponentModel.DataAnnotations;
using Alpaca.Abstractions;

namespace Acme.Notes;

/// <summary>Options of the stage <c>acme-binder</c>.</summary>
public sealed record BinderRequest
{
    /// <summary>The notes to bind, in this order.</summary>
    [Required, MinLength(1), ArtifactInput("note"), Description("Notes to bind")]
    public IReadOnlyList<string> Notes { get; init; } = [];

    /// <summary>The note on the cover.</summary>
    [Required, ArtifactInput("binder", "note"), Description("Note on the cover")]
    public string Cover { get; init; } = "";

    /// <summary>Other binders with the note on the cover.</summary>
    [ArtifactInput("binder", MadeFrom = nameof(Cover)), Description("Binders with the note on the cover")]
    public IReadOnlyList<string> Editions { get; init; } = [];

    /// <summary>The note that is marked.</summary>
    [ArtifactInput("note", Explicit = true), Description("Note that is marked")]
    public string? Marked { get; init; }

    /// <summary>The title.</summary>
    [Description("Title")]
    public string Title { get; init; } = "Untitled";
}

/// <summary>Several notes in one.</summary>
public sealed record BinderArtifact : Artifact
{
    /// <inheritdoc />
    public override string Kind => "binder";
}

/// <summary>Puts notes together.</summary>
public sealed class BinderStage : IStage<BinderRequest, BinderArtifact>
{
    /// <inheritdoc />
    public async Task<BinderArtifact> ExecuteAsync(BinderRequest request, StageContext context, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(request);
        ArgumentNullException.ThrowIfNull(context);
        var pages = request.Notes.SelectMany(n => Directory.GetFiles(n, "*.txt", SearchOption.AllDirectories)).Select(File.ReadAllText);
        await File.WriteAllTextAsync(Path.Combine(context.OutputFolder, "binder.txt"), request.Title + "\n" + string.Concat(pages), cancellationToken);
        return new BinderArtifact { Metrics = new Dictionary<string, double> { ["backends"] = context.Backends.Count(backend => backend.Key == backend.Value.Name) } };
    }
}
