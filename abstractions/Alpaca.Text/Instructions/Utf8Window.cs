using System.Text.Unicode;

namespace Alpaca.Text;

/// <summary>A window that moves over a stream of UTF-8 and is only as large as what is read in one piece needs.</summary>
/// <param name="stream">The stream; a byte order mark at its start is passed over.</param>
/// <param name="longest">How many bytes one piece may have.</param>
/// <param name="cancellationToken">Ends the reading.</param>
internal sealed class Utf8Window(Stream stream, int longest, CancellationToken cancellationToken)
{
    private byte[] _buffer = new byte[Math.Min(longest, 1 << 16)];
    private int _start;
    private int _valid; // up to here it is known to be UTF-8
    private int _end;
    private bool _isBegun;

    /// <summary>What is in the window: valid UTF-8, in whole characters.</summary>
    public ReadOnlySpan<byte> Text => _buffer.AsSpan(_start, _valid - _start);

    /// <summary>Whether the stream has ended, so that <see cref="Text"/> is all that is left.</summary>
    public bool IsAtEnd { get; private set; }

    /// <summary>Whether something was met that is not UTF-8.</summary>
    public bool IsBroken { get; private set; }

    /// <summary>Whether a piece is longer than it may be.</summary>
    public bool IsFull { get; private set; }

    /// <summary>Moves the start of the window.</summary>
    public void Skip(int bytes) => _start += bytes;

    /// <summary>Takes in more of the stream.</summary>
    /// <returns>Whether it did; otherwise <see cref="IsAtEnd"/>, <see cref="IsBroken"/> or <see cref="IsFull"/> says why not.</returns>
    public bool Grow()
    {
        cancellationToken.ThrowIfCancellationRequested();
        if (IsAtEnd || IsBroken || IsFull) return false;
        if (_start > 0)
        {
            _buffer.AsSpan(_start, _end - _start).CopyTo(_buffer);
            (_start, _valid, _end) = (0, _valid - _start, _end - _start);
        }

        IsFull = _end == longest;
        if (IsFull) return false;
        if (_end == _buffer.Length) Array.Resize(ref _buffer, (int)Math.Min(longest, 2L * _buffer.Length));
        var space = _buffer.AsSpan(_end);
        var count = stream.ReadAtLeast(space, space.Length, throwOnEndOfStream: false);
        IsAtEnd = count == 0;
        _end += count;
        if (!_isBegun && _buffer.AsSpan(0, _end).StartsWith((ReadOnlySpan<byte>)[0xEF, 0xBB, 0xBF])) _start = _valid = 3;
        _isBegun = true;

        var fresh = _buffer.AsSpan(_valid, _end - _valid);
        var whole = IsAtEnd ? fresh : fresh[..^UnfinishedBytes(fresh)];
        IsBroken = !Utf8.IsValid(whole);
        if (!IsBroken) _valid += whole.Length;
        return count > 0 && !IsBroken;
    }

    /// <summary>How many bytes at the end begin a character whose other bytes are yet to come.</summary>
    private static int UnfinishedBytes(ReadOnlySpan<byte> text)
    {
        for (var back = 1; back <= Math.Min(3, text.Length); back++)
        {
            var value = text[^back];
            if ((value & 0xC0) == 0x80) continue;
            var length = value >= 0xF0 ? 4 : value >= 0xE0 ? 3 : value >= 0xC0 ? 2 : 1;
            return length > back ? back : 0;
        }

        return 0;
    }
}
