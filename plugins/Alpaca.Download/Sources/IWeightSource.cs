namespace Alpaca.Download;

/// <summary>Where weights come from; files are named by their path below the source, with <c>/</c>.</summary>
internal interface IWeightSource : IDisposable
{
    /// <summary>The source as it may be shown and logged: without secrets.</summary>
    string DisplayName { get; }

    /// <summary>Asks about a file without fetching it.</summary>
    /// <param name="name">For example <c>7B/params.json</c>.</param>
    /// <param name="cancellationToken">Ends the request.</param>
    /// <returns>What is known about it; <see langword="null"/> when there is no such file.</returns>
    Task<SourceStatus?> FindAsync(string name, CancellationToken cancellationToken);

    /// <summary>Opens a file from a byte offset on.</summary>
    /// <param name="name">For example <c>7B/params.json</c>.</param>
    /// <param name="offset">The bytes already fetched; 0 starts anew.</param>
    /// <param name="version">What identified the content when those bytes were fetched, or <see langword="null"/>.</param>
    /// <param name="cancellationToken">Ends the request.</param>
    /// <returns>The rest of the file, or all of it where the source cannot go on from the offset; <see langword="null"/> when there is no such file.</returns>
    /// <exception cref="InterruptedTransferException">The source broke off or contradicts itself; trying again may help.</exception>
    /// <exception cref="Abstractions.AlpacaException">The source cannot be read.</exception>
    Task<SourceContent?> OpenAsync(string name, long offset, string? version, CancellationToken cancellationToken);
}

/// <summary>What a source says about a file.</summary>
/// <param name="Size">Its length, or <see langword="null"/> when the source does not say.</param>
/// <param name="Version">What identifies its content (an ETag), or <see langword="null"/>.</param>
internal sealed record SourceStatus(long? Size, string? Version);

/// <summary>The content of a file, from some offset on.</summary>
/// <param name="Stream">The bytes from <paramref name="Offset"/> on.</param>
/// <param name="Offset">Where the stream begins; 0 when the source starts anew.</param>
/// <param name="Length">The length of the whole file, or <see langword="null"/> when the source does not say.</param>
/// <param name="Version">What identifies this content (an ETag), or <see langword="null"/>.</param>
internal sealed record SourceContent(Stream Stream, long Offset, long? Length, string? Version) : IAsyncDisposable
{
    public ValueTask DisposeAsync() => Stream.DisposeAsync();
}
