namespace Alpaca.Host;

/// <summary>A version of a pipeline's model: what a run made, from what, and how it was judged. Immutable; kept in <c>registry/&lt;pipeline&gt;/versions/&lt;number&gt;.json</c>.</summary>
public sealed record ModelVersion
{
    /// <summary>Its number, counting up from 1 in a pipeline; never given twice.</summary>
    public required int Number { get; init; }

    /// <summary>The pipeline.</summary>
    public required string Pipeline { get; init; }

    /// <summary>The run that made it.</summary>
    public required long RunId { get; init; }

    /// <summary>When it was registered (UTC).</summary>
    public required DateTimeOffset CreatedAt { get; init; }

    /// <summary>The champion's number at that time; <see langword="null"/> where there was none.</summary>
    public required int? Parent { get; init; }

    /// <summary>What every stage of the run made, in their order.</summary>
    public required IReadOnlyList<VersionArtifact> Artifacts { get; init; }

    /// <summary>The model that was trained on; <see langword="null"/> where no stage makes an adapter.</summary>
    public required VersionInput? BaseModel { get; init; }

    /// <summary>The files, folders and addresses from outside that went into it: data, original weights, tokenizers.</summary>
    public required IReadOnlyList<VersionInput> Inputs { get; init; }

    /// <summary>The metrics of all its stages, the later ones winning.</summary>
    public required IReadOnlyDictionary<string, double> Metrics { get; init; }

    /// <summary>How it was judged.</summary>
    public required PromotionVerdict Verdict { get; init; }
}

/// <summary>An artifact of a version.</summary>
/// <param name="Stage">The stage entry that made it.</param>
/// <param name="Kind">Its kind.</param>
/// <param name="Folder">Its folder, relative to the workspace, with forward slashes: machines that share a workspace may see it at different places.</param>
/// <param name="Fingerprint">The fingerprint of the request that made it.</param>
/// <param name="Digest">The digest of its files.</param>
public sealed record VersionArtifact(string Stage, string Kind, string Folder, string Fingerprint, string Digest);

/// <summary>Something that went into a version.</summary>
/// <param name="Stage">The stage entry that took it.</param>
/// <param name="Option">The option that took it.</param>
/// <param name="Source">Its path or address.</param>
/// <param name="Digest">The digest of its content.</param>
public sealed record VersionInput(string Stage, string Option, string Source, string Digest);

/// <summary>The aliases of a pipeline's versions: <c>registry/&lt;pipeline&gt;/aliases.json</c>. They move together or not at all.</summary>
/// <param name="Champion">The version that is served, and with which others are compared.</param>
/// <param name="Candidate">The version that was judged last, whatever the verdict.</param>
/// <param name="Previous">The champion before this one: where a rollback leads.</param>
public sealed record RegistryAliases(int? Champion, int? Candidate, int? Previous)
{
    /// <summary>The names of the aliases of a version.</summary>
    public IEnumerable<string> NamesOf(int number)
    {
        if (Champion == number) yield return "champion";
        if (Candidate == number) yield return "candidate";
        if (Previous == number) yield return "previous";
    }
}

/// <summary>That a version was taken back after its promotion: <c>registry/&lt;pipeline&gt;/versions/&lt;number&gt;.rejected.json</c>.</summary>
/// <param name="Reason">Why.</param>
/// <param name="RejectedAt">When (UTC).</param>
public sealed record VersionRejection(string Reason, DateTimeOffset RejectedAt);
