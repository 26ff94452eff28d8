using Alpaca.Abstractions;
using Microsoft.Win32.SafeHandles;

namespace Alpaca.Formats;

/// <summary>A file read at positions, by any number of threads.</summary>
/// <remarks>
/// Positional reads into the caller's buffer rather than a memory mapping: one copy instead of two, the same page cache, and a file that is cut short or whose disk
/// fails while it is read is an exception instead of the end of the process (SIGBUS).
/// </remarks>
internal sealed class ReadOnlyFile : IDisposable
{
    private readonly SafeFileHandle _handle;

    public ReadOnlyFile(string path)
    {
        Path = path;
        try
        {
            _handle = File.OpenHandle(path, FileMode.Open, FileAccess.Read, FileShare.Read, FileOptions.None);
            Length = RandomAccess.GetLength(_handle);
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            throw new AlpacaException($"{path} does not exist; check the path.", e);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new AlpacaException($"{path} cannot be opened ({e.Message}); check its permissions.", e);
        }
    }

    public string Path { get; }

    public long Length { get; }

    /// <summary>Fills <paramref name="destination"/> with the bytes from <paramref name="offset"/> on.</summary>
    public void ReadExactly(long offset, Span<byte> destination)
    {
        try
        {
            var count = _handle.ReadUpTo(offset, destination);
            if (count < destination.Length)
            {
                throw new AlpacaException($"{Path} ends at byte {offset + count} although more was expected; it is cut short, get it again.");
            }
        }
        catch (IOException e)
        {
            throw new AlpacaException($"{Path} cannot be read at byte {offset} ({e.Message}); check the disk.", e);
        }
    }

    public void Dispose() => _handle.Dispose();
}
