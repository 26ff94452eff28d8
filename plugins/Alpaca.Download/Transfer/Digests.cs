namespace Alpaca.Download;

/// <summary>Digests of a file's content in small hexadecimal digits: those that were computed, or those that are expected.</summary>
/// <param name="Md5">32 digits.</param>
/// <param name="Sha256">64 digits.</param>
/// <param name="GitSha1">40 digits: git's name for the content, the SHA-1 of <c>blob LENGTH NUL content</c>.</param>
internal sealed record Digests(string? Md5 = null, string? Sha256 = null, string? GitSha1 = null)
{
    /// <summary>Nothing known.</summary>
    public static Digests None { get; } = new();

    /// <summary>Whether nothing is known.</summary>
    public bool IsEmpty => this == None;

    /// <summary>The first of these expected digests that computed ones do not have, or <see langword="null"/> when all are met.</summary>
    public (string Algorithm, string Expected, string Actual)? Unmet(Digests computed)
    {
        if (Md5 is not null && Md5 != computed.Md5) return ("MD5", Md5, computed.Md5 ?? "none");
        if (Sha256 is not null && Sha256 != computed.Sha256) return ("SHA-256", Sha256, computed.Sha256 ?? "none");
        if (GitSha1 is not null && GitSha1 != computed.GitSha1) return ("git SHA-1", GitSha1, computed.GitSha1 ?? "none");
        return null;
    }
}
