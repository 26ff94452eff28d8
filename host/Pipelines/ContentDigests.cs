using System.Security.Cryptography;
using System.Text;
using Alpaca.Abstractions;

namespace Alpaca.Host;

/// <summary>Digests of files and folders outside the store. A file's digest is remembered with its size and time, so that large inputs are read once.</summary>
public sealed class ContentDigests
{
    // A file that changed this recently may change again without its time showing it.
    private static readonly TimeSpan TooRecent = TimeSpan.FromSeconds(2);

    private static readonly EnumerationOptions Everything = new() { RecurseSubdirectories = true, AttributesToSkip = FileAttributes.None, MaxRecursionDepth = 64 };

    private readonly RunDatabase _database;
    private readonly TimeProvider _time;

    /// <summary>Remembers digests in a workspace's database.</summary>
    public ContentDigests(RunDatabase database, TimeProvider time)
    {
        ArgumentNullException.ThrowIfNull(database);
        ArgumentNullException.ThrowIfNull(time);
        (_database, _time) = (database, time);
    }

    /// <summary>The digest of a file's content, or of the names and contents of a folder's files.</summary>
    /// <param name="path">An existing file or folder.</param>
    /// <param name="progress">Told about files that must be read.</param>
    /// <param name="cancellationToken">Ends the reading early.</param>
    /// <returns>SHA-256 in small hexadecimal digits, and the bytes it covers.</returns>
    /// <exception cref="AlpacaException">Something cannot be read.</exception>
    public (string Sha256, long Size) Of(string path, IStageProgress progress, CancellationToken cancellationToken = default)
    {
        try
        {
            if (File.Exists(path)) return OfFile(path, progress, cancellationToken);
            var size = 0L;
            var listing = new StringBuilder();
            foreach (var file in Directory.EnumerateFiles(path, "*", Everything).Order(StringComparer.Ordinal))
            {
                var (sha256, length) = OfFile(file, progress, cancellationToken);
                size += length;
                listing.Append(sha256).Append(' ').Append(Path.GetRelativePath(path, file).Replace('\\', '/')).Append('\n');
            }

            return (Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(listing.ToString()))), size);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new AlpacaException($"{path} cannot be read: {e.Message}", e);
        }
    }

    private (string Sha256, long Size) OfFile(string path, IStageProgress progress, CancellationToken cancellationToken)
    {
        using var stream = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete, bufferSize: 0);
        var size = stream.Length;
        var modified = File.GetLastWriteTimeUtc(stream.SafeFileHandle);
        if (_database.Use(connection => connection.Scalar("SELECT sha256 FROM digests WHERE path = $1 AND size = $2 AND modified = $3", path, size, modified.Ticks)) is string known)
            return (known, size);

        using var task = progress.Start($"checksum of {Path.GetFileName(path)}", size, ProgressUnit.Bytes);
        var done = 0L;
        var sha256 = FileDigest.Compute(stream, bytes => task.Report(done += bytes), cancellationToken);
        if (_time.GetUtcNow() - modified > TooRecent)
        {
            _database.Use(connection => connection.Execute(
                """
                INSERT INTO digests (path, size, modified, sha256) VALUES ($1, $2, $3, $4)
                ON CONFLICT (path) DO UPDATE SET size = excluded.size, modified = excluded.modified, sha256 = excluded.sha256
                """,
                path, size, modified.Ticks, sha256));
        }

        return (sha256, size);
    }
}
