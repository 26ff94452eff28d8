using System.Security.Cryptography;
using System.Text;

namespace Alpaca.Download;

/// <summary>Computes the digests of one file while it passes: SHA-256 always, the others where they are wanted.</summary>
internal sealed class DigestSet : IDisposable
{
    private readonly IncrementalHash? _md5;
    private readonly IncrementalHash _sha256 = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
    private readonly IncrementalHash? _git;
    private readonly long _gitLength;

    /// <param name="md5">Whether MD5 is wanted.</param>
    /// <param name="gitLength">The file's length where git's SHA-1 is wanted; it is part of what is hashed.</param>
    public DigestSet(bool md5, long? gitLength = null)
    {
        if (md5) _md5 = IncrementalHash.CreateHash(HashAlgorithmName.MD5);
        if (gitLength is { } length)
        {
            _git = IncrementalHash.CreateHash(HashAlgorithmName.SHA1);
            _gitLength = length;
        }

        BeginGit();
    }

    public void Append(ReadOnlySpan<byte> content)
    {
        _md5?.AppendData(content);
        _sha256.AppendData(content);
        _git?.AppendData(content);
    }

    /// <summary>The digests of all content so far; the next content begins a new file.</summary>
    public Digests Finish()
    {
        var digests = new Digests(
            _md5 is null ? null : Convert.ToHexStringLower(_md5.GetHashAndReset()),
            Convert.ToHexStringLower(_sha256.GetHashAndReset()),
            _git is null ? null : Convert.ToHexStringLower(_git.GetHashAndReset()));
        BeginGit();
        return digests;
    }

    public void Dispose()
    {
        _md5?.Dispose();
        _sha256.Dispose();
        _git?.Dispose();
    }

    private void BeginGit() => _git?.AppendData(Encoding.ASCII.GetBytes(FormattableString.Invariant($"blob {_gitLength}\0")));
}
