using System.Buffers;

namespace Alpaca.Download;

/// <summary>A file under way: its bytes on disk and the digests of these bytes.</summary>
internal sealed class PartFile : IAsyncDisposable
{
    private const int BufferSize = 1 << 20;
    private readonly FileStream _stream;
    private readonly DigestSet _digests;

    private PartFile(FileStream stream, DigestSet digests) => (_stream, _digests) = (stream, digests);

    /// <summary>The bytes there are.</summary>
    public long Length { get; private set; }

    /// <summary>Opens a part, or begins one, and reads what is there for its digests.</summary>
    /// <param name="path">The file.</param>
    /// <param name="digests">Computes the digests; disposed with the part.</param>
    /// <param name="keep">Whether what is there is of use.</param>
    /// <param name="cancellationToken">Ends the reading.</param>
    public static async Task<PartFile> OpenAsync(string path, DigestSet digests, bool keep, CancellationToken cancellationToken)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        var stream = new FileStream(path, new FileStreamOptions
        {
            Mode = keep ? FileMode.OpenOrCreate : FileMode.Create, Access = FileAccess.ReadWrite, BufferSize = 0, Options = FileOptions.SequentialScan | FileOptions.Asynchronous,
        });
        var part = new PartFile(stream, digests);
        try
        {
            await part.ReadAsync(cancellationToken).ConfigureAwait(false);
            return part;
        }
        catch
        {
            await part.DisposeAsync().ConfigureAwait(false);
            throw;
        }
    }

    /// <summary>Adds bytes at the end.</summary>
    public async Task AppendAsync(ReadOnlyMemory<byte> content, CancellationToken cancellationToken)
    {
        await _stream.WriteAsync(content, cancellationToken).ConfigureAwait(false);
        _digests.Append(content.Span);
        Length += content.Length;
    }

    /// <summary>Throws away what is there.</summary>
    public void Restart()
    {
        _stream.SetLength(0);
        _stream.Position = 0;
        _digests.Finish();
        Length = 0;
    }

    /// <summary>Brings everything to the disk.</summary>
    /// <returns>The digests of the whole file.</returns>
    public Digests Finish()
    {
        _stream.Flush(flushToDisk: true);
        return _digests.Finish();
    }

    public async ValueTask DisposeAsync()
    {
        await _stream.DisposeAsync().ConfigureAwait(false);
        _digests.Dispose();
    }

    private async Task ReadAsync(CancellationToken cancellationToken)
    {
        var buffer = ArrayPool<byte>.Shared.Rent(BufferSize);
        try
        {
            while (await _stream.ReadAsync(buffer.AsMemory(0, BufferSize), cancellationToken).ConfigureAwait(false) is var read and > 0)
            {
                _digests.Append(buffer.AsSpan(0, read));
                Length += read;
            }
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }
}
