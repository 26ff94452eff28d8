using System.Runtime.InteropServices;
using Alpaca.Abstractions;
using Microsoft.Win32.SafeHandles;

namespace Alpaca.Formats;

/// <summary>A file of known length written at positions, by any number of threads, and read back; it gets its name only when it is complete.</summary>
internal sealed partial class PositionalFileWriter : IDisposable
{
    // SYNC_FILE_RANGE_WRITE of sync_file_range(2): begin to write, do not wait.
    private const uint BeginWriteback = 2;
    private const int WorthWriteback = 256 << 10;

    private readonly string _path;
    private readonly string _temporaryPath;
    private readonly SafeFileHandle _handle;
    private readonly bool _isSparse;
    private bool _published;

    /// <param name="path">Where the file will be.</param>
    /// <param name="length">Its length.</param>
    /// <param name="isSparse">Whether room is taken only for what is not zero.</param>
    /// <exception cref="AlpacaException">The file cannot be created, or the disk has not enough room for <paramref name="length"/> bytes.</exception>
    public PositionalFileWriter(string path, long length, bool isSparse = false)
    {
        _path = path;
        _isSparse = isSparse;
        _temporaryPath = path + ".partial";
        try
        {
            // Allocating first finds a full disk before hours of work, and keeps the file in one piece.
            _handle = File.OpenHandle(_temporaryPath, FileMode.Create, FileAccess.ReadWrite, FileShare.None, FileOptions.None, preallocationSize: isSparse ? 0 : length);
            if (isSparse)
            {
                RandomAccess.SetLength(_handle, length);
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw WriteError(e);
        }
    }

    public void Write(long offset, ReadOnlySpan<byte> data)
    {
        if (_isSparse && !data.ContainsAnyExcept((byte)0))
        {
            return;
        }

        try
        {
            RandomAccess.Write(_handle, data, offset);
        }
        catch (IOException e)
        {
            throw WriteError(e);
        }

        if (data.Length >= WorthWriteback && OperatingSystem.IsLinux())
        {
            // Left to itself the kernel lets gigabytes pile up in memory before the disk begins to work, and the flush at the end waits for all of them.
            // A hint: where it is not understood the flush does all the work.
            _ = SyncFileRange((int)_handle.DangerousGetHandle(), offset, data.Length, BeginWriteback);
        }
    }

    /// <summary>Reads back what has been written.</summary>
    public void Read(long offset, Span<byte> destination)
    {
        try
        {
            if (_handle.ReadUpTo(offset, destination) < destination.Length)
            {
                throw new AlpacaException($"{_path} was cut short by somebody else while it was written; run the stage again.");
            }
        }
        catch (IOException e)
        {
            throw new AlpacaException($"{_path} cannot be read back at byte {offset} ({e.Message}); check the disk.", e);
        }
    }

    /// <summary>Closes the file and gives it its name.</summary>
    public void Publish()
    {
        _handle.Dispose();
        try
        {
            Rename.File(_temporaryPath, _path, overwrite: true);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw WriteError(e);
        }

        _published = true;
    }

    /// <summary>Closes the file; what was not published is removed.</summary>
    public void Dispose()
    {
        _handle.Dispose();
        if (!_published)
        {
            File.Delete(_temporaryPath);
        }
    }

    [LibraryImport("libc", EntryPoint = "sync_file_range")]
    private static partial int SyncFileRange(int descriptor, long offset, long length, uint flags);

    private AlpacaException WriteError(Exception e) =>
        new($"{_path} cannot be written ({e.Message}); make room on the disk or choose another folder.", e);
}
