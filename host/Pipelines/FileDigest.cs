using System.Buffers;
using System.Security.Cryptography;

namespace Alpaca.Host;

/// <summary>SHA-256 of files of any size.</summary>
internal static class FileDigest
{
    private const int BufferSize = 1 << 20;

    /// <summary>The digest of the rest of a stream, in small hexadecimal digits.</summary>
    /// <param name="stream">Read to its end.</param>
    /// <param name="onRead">Told the size of each piece.</param>
    /// <param name="cancellationToken">Looked at before each piece.</param>
    public static string Compute(Stream stream, Action<int> onRead, CancellationToken cancellationToken)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        var buffer = ArrayPool<byte>.Shared.Rent(BufferSize);
        try
        {
            int read;
            while ((read = stream.Read(buffer)) > 0)
            {
                cancellationToken.ThrowIfCancellationRequested();
                hash.AppendData(buffer, 0, read);
                onRead(read);
            }

            return Convert.ToHexStringLower(hash.GetHashAndReset());
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }
}
