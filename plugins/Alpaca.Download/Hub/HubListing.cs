namespace Alpaca.Download;

/// <summary>The files of a repository at one commit.</summary>
/// <param name="Commit">The commit, 40 hexadecimal digits.</param>
/// <param name="Files">The files with their sizes and digests: SHA-256 of large files, git's SHA-1 of the others.</param>
internal sealed record HubListing(string Commit, IReadOnlyList<SourceFile> Files)
{
    /// <summary>The file of that name, or <see langword="null"/>.</summary>
    public SourceFile? Find(string name) => Files.FirstOrDefault(f => f.Name == name);
}
