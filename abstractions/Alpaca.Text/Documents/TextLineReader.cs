using System.Buffers;
using System.Text.Unicode;

namespace Alpaca.Text;

/// <summary>Reads the lines of a UTF-8 file. What is wrong with it is told once, and ends it.</summary>
internal sealed class TextLineReader : IDisposable
{
    // What .NET holds in one string, with room for what is made of it.
    private const int LongestText = 1 << 28;

    private readonly string _file;
    private readonly ProblemList _problems;
    private FileStream? _stream;
    private byte[] _buffer = new byte[1 << 16];
    private char[] _chars = new char[1 << 10];
    private int _start;
    private int _end;
    private long _bufferOffset; // of _buffer[0] in the file

    /// <param name="file">Its path.</param>
    /// <param name="problems">Gets what is wrong with it.</param>
    public TextLineReader(string file, ProblemList problems)
    {
        (_file, _problems) = (file, problems);
        Guard(() =>
        {
            _stream = new FileStream(file, FileMode.Open, FileAccess.Read, FileShare.Read, bufferSize: 0, FileOptions.SequentialScan);
            while (_end < 3 && Fill()) { }
            ReadOnlySpan<byte> start = _buffer.AsSpan(0, _end);
            if (start.StartsWith((ReadOnlySpan<byte>)[0xEF, 0xBB, 0xBF])) _start = 3;
            if (start.StartsWith((ReadOnlySpan<byte>)[0xFF, 0xFE]) || start.StartsWith((ReadOnlySpan<byte>)[0xFE, 0xFF])) Fail($"{file} is UTF-16; save it as UTF-8.");
            return true;
        });
    }

    /// <summary>The number of the line read last, from 1.</summary>
    public int Number { get; private set; }

    /// <summary>The bytes behind the line read last.</summary>
    public long Bytes => _bufferOffset + _start;

    /// <summary>The next line without its end; <see langword="null"/> at the end of the file, or if something is wrong with it.</summary>
    public string? Read()
    {
        if (_stream is null) return null;
        var scanned = 0;
        int feed;
        while ((feed = _buffer.AsSpan(_start + scanned, _end - _start - scanned).IndexOf((byte)'\n')) < 0)
        {
            scanned = _end - _start;
            if (!Fits(scanned) || !Guard(Fill)) break;
        }
        if (_stream is null || (feed < 0 && _end == _start)) return null;
        Number++;
        var length = feed < 0 ? _end - _start : scanned + feed;
        var line = _buffer.AsSpan(_start, length);
        if (line is [.., (byte)'\r']) line = line[..^1];
        if (_chars.Length < line.Length) _chars = new char[Math.Max(line.Length, 2 * _chars.Length)];
        if (Utf8.ToUtf16(line, _chars, out var read, out var written, replaceInvalidSequences: false) != OperationStatus.Done)
        {
            Fail($"{_file}, line {Number}: byte {Bytes + read} of the file is not UTF-8; save it as UTF-8.");
            return null;
        }
        _start += length + (feed < 0 ? 0 : 1);
        return new string(_chars, 0, written);
    }

    /// <summary>Whether a text of some length can be taken whole; told as a problem, which ends the file, if not.</summary>
    public bool Fits(int length)
    {
        if (length <= LongestText) return true;
        Fail($"{_file}, line {Number + 1}: a document longer than {LongestText >> 20} Mi characters cannot be taken whole; break it into lines, with Documents line or paragraph.");
        return false;
    }

    public void Dispose() => _stream?.Dispose();

    /// <returns>Whether there was more.</returns>
    private bool Fill()
    {
        if (_start > 0)
        {
            _buffer.AsSpan(_start, _end - _start).CopyTo(_buffer);
            (_bufferOffset, _end, _start) = (_bufferOffset + _start, _end - _start, 0);
        }
        if (_end == _buffer.Length) Array.Resize(ref _buffer, 2 * _buffer.Length);
        var count = _stream!.Read(_buffer.AsSpan(_end));
        _end += count;
        return count > 0;
    }

    private bool Guard(Func<bool> read)
    {
        try
        {
            return read();
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or ArgumentException or NotSupportedException)
        {
            Fail($"{_file} cannot be read: {e.Message}");
            return false;
        }
    }

    private void Fail(string problem)
    {
        _problems.Add(problem);
        _stream?.Dispose();
        _stream = null;
    }
}
