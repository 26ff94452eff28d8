using System.ComponentModel;
using System.ComponentModel.DataAnnotations;
using Alpaca.Abstractions;
using Microsoft.Extensions.Logging;

namespace Acme.Notes;

/// <summary>What a note stage does after it has written half of its note.</summary>
public enum Mishap
{
    /// <summary>Nothing.</summary>
    None,

    /// <summary>It reports an error for the user.</summary>
    Error,

    /// <summary>It reports an error the first time, and goes on from there the second.</summary>
    Once,

    /// <summary>It meets a defect of its own.</summary>
    Crash,

    /// <summary>It waits until it is cancelled.</summary>
    Hang,

    /// <summary>It waits until a file <c>.go</c> is beside its appendix.</summary>
    Wait,

    /// <summary>It meets a locked file the first time, and goes on from there the second.</summary>
    Locked,
}

/// <summary>Options of the stage <c>acme-note</c>.</summary>
public sealed record NoteRequest
{
    /// <summary>What is noted.</summary>
    [Required, Description("What is noted")]
    public string Text { get; init; } = "";

    /// <summary>How often it is written.</summary>
    [Range(1, 100), Description("How often it is written")]
    public int Copies { get; init; } = 1;

    /// <summary>A file that is appended.</summary>
    [PathInput(AllowUrl = true), Description("File to append")]
    public string? Appendix { get; init; }

    /// <summary>The note that this one follows; its pages come before.</summary>
    [ArtifactInput("note", Explicit = true), Description("Note that this one follows")]
    public string? Earlier { get; init; }

    /// <summary>How many pens write at a time.</summary>
    [ResultNeutral, Range(1, 9), Description("Pens at a time")]
    public int Pens { get; init; } = 1;

    /// <summary>What goes wrong.</summary>
    [Description("What goes wrong")]
    public Mishap Mishap { get; init; }
}

/// <summary>A note.</summary>
public sealed record NoteArtifact : Artifact
{
    /// <inheritdoc />
    public override string Kind => "note";

    /// <summary>Where an earlier attempt had got to.</summary>
    public string? ResumedFrom { get; init; }
}

/// <summary>Writes a text file.</summary>
public sealed class NoteStage(ILogger<NoteStage> log, TimeProvider time) : IStage<NoteRequest, NoteArtifact>, IPlanningStage<NoteRequest>, IPreviewingStage<NoteRequest>
{
    /// <inheritdoc />
    public DataPreview Preview(NoteRequest request, int count)
        => new(["one note"], [.. Enumerable.Range(1, count).Select(i => new PreviewSample($"page {i}", 2, [new PreviewSpan("read ", false), new PreviewSpan(request.Text, true)]))]);

    /// <inheritdoc />
    public StagePlan Plan(NoteRequest request) => request.Mishap == Mishap.None
        ? new StagePlan { Steps = [$"notes '{request.Text}' {request.Copies} times"], OutputBytes = request.Copies * (request.Text.Length + 1), MemoryBytes = 1_000_000 }
        : throw new AlpacaException("The pen ran dry; refill it.");

    /// <inheritdoc />
    public async Task<NoteArtifact> ExecuteAsync(NoteRequest request, StageContext context, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(request);
        ArgumentNullException.ThrowIfNull(context);
        log.LogDebug("Writing at {Time}", time.GetUtcNow());
        var checkpoint = Path.Combine(context.ResumeFolder, "checkpoint.txt");
        var resumedFrom = File.Exists(checkpoint) ? await File.ReadAllTextAsync(checkpoint, cancellationToken) : null;
        using var progress = context.Progress.Start("note", request.Copies, ProgressUnit.Items);

        var folder = Directory.CreateDirectory(Path.Combine(context.OutputFolder, "pages")).FullName;
        await File.WriteAllTextAsync(Path.Combine(folder, "1.txt"), string.Concat(Enumerable.Repeat(request.Text + "\n", request.Copies)), cancellationToken);
        await File.WriteAllTextAsync(checkpoint, "page 1", cancellationToken);
        switch (request.Mishap)
        {
            case Mishap.Once when resumedFrom is null:
            case Mishap.Error: throw new AlpacaException("The pen ran dry; refill it.");
            case Mishap.Crash: throw new NoteJammedException();
            case Mishap.Locked when resumedFrom is null: throw new IOException("The inkwell is in use by another writer.");
            case Mishap.Wait:
                while (!File.Exists(request.Appendix + ".go")) await Task.Delay(20, cancellationToken);
                break;
            case Mishap.Hang: await Task.Delay(Timeout.Infinite, cancellationToken); break;
            default: break;
        }

        if (request.Earlier is { } earlier) File.Copy(Path.Combine(earlier, "pages", "1.txt"), Path.Combine(folder, "0.txt"));
        if (request.Appendix is { } appendix && File.Exists(appendix)) File.Copy(appendix, Path.Combine(context.OutputFolder, "appendix.txt"));
        progress.Report(request.Copies);
        return new NoteArtifact { ResumedFrom = resumedFrom, Metrics = new Dictionary<string, double> { ["copies"] = request.Copies } };
    }
}

/// <summary>A defect, of a type that only this plugin knows.</summary>
public sealed class NoteJammedException : Exception
{
    /// <summary>Creates the error.</summary>
    public NoteJammedException() : base("The paper jammed.") { }

    /// <summary>Creates the error with a message.</summary>
    public NoteJammedException(string message) : base(message) { }

    /// <summary>Creates the error with a message and a cause.</summary>
    public NoteJammedException(string message, Exception innerException) : base(message, innerException) { }
}
