namespace Alpaca.Download;

/// <summary>A file to fetch.</summary>
/// <param name="Name">Its path below the source and below the output folder, with <c>/</c>; safe (<see cref="RelativeName"/>).</param>
/// <param name="Expected">What its content must be.</param>
/// <param name="Size">Its length, where that is known beforehand.</param>
/// <param name="Version">What identifies its present content at the source, where that is known beforehand.</param>
internal sealed record SourceFile(string Name, Expectation Expected, long? Size = null, string? Version = null);

/// <summary>What a file's content must be, and who says so.</summary>
/// <param name="Digests">The digests that are known; none means that anything is taken.</param>
/// <param name="Authority">Who knows them, as the beginning of "… says".</param>
/// <param name="Mend">What to do about a file that has others: a clause for the end of a sentence.</param>
internal sealed record Expectation(Digests Digests, string Authority, string Mend)
{
    /// <summary>Anything is taken.</summary>
    public static Expectation None { get; } = new(Digests.None, "", "");
}

/// <summary>A file that lies complete and checked in the resume folder.</summary>
/// <param name="Name">Its path below the source and below the output folder.</param>
/// <param name="Path">Where it lies.</param>
/// <param name="Size">Its length.</param>
/// <param name="Digests">The digests it has.</param>
internal sealed record FetchedFile(string Name, string Path, long Size, Digests Digests);
