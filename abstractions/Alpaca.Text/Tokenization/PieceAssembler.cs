using System.Text;

namespace Alpaca.Text;

/// <summary>Decodes the pieces of a SentencePiece model.</summary>
/// <remarks>
/// <c>▁</c> becomes a space, the space put before the text goes away once, runs of byte pieces are read as UTF-8 with one U+FFFD for each byte that is part of no
/// character, control pieces and special tokens become nothing, the unknown piece becomes <c> ⁇ </c>. Other tokens added to the vocabulary are set off by spaces.
/// </remarks>
internal sealed class PieceAssembler(SentencePieceTokenizer tokenizer) : TokenAssembler
{
    private readonly byte[] _bytes = new byte[4];
    private int _byteCount;
    private bool _atStart = true;
    private bool _prefixConsumed;
    private bool _afterAddedToken;
    private bool _isEmpty = true;

    /// <inheritdoc />
    public override bool IsComplete => _byteCount == 0;

    /// <inheritdoc />
    public override void Append(int id, StringBuilder output)
    {
        if (tokenizer.ByteOf(id) is { } value)
        {
            BeginSegment(output);
            _bytes[_byteCount++] = value;
            TakeCharacters(output, isEnd: false);
            return;
        }
        Flush(output);
        if (_prefixConsumed) _atStart = false;
        _prefixConsumed = false;

        var text = tokenizer.SurfaceOf(id);
        if (tokenizer.IsAddedText(id))
        {
            if (!_isEmpty) output.Append(' ');
            output.Append(text);
            (_isEmpty, _afterAddedToken, _atStart) = (false, true, true);
        }
        else if (text is not null)
        {
            BeginSegment(output);
            if (_atStart && tokenizer.StripsPrefix && text.StartsWith(' ') && !tokenizer.IsUnknown(id))
            {
                text = text[1..];
                _prefixConsumed = !tokenizer.StripsAllSpaces;
            }
            Put(text, output);
        }
    }

    /// <inheritdoc />
    public override void Flush(StringBuilder output) => TakeCharacters(output, isEnd: true);

    /// <summary>Text after an added token is set off by a space and begins anew, without its own first space.</summary>
    private void BeginSegment(StringBuilder output)
    {
        if (_afterAddedToken) output.Append(' ');
        (_afterAddedToken, _isEmpty) = (false, false);
    }

    private void Put(ReadOnlySpan<char> text, StringBuilder output)
    {
        if (text.IsEmpty) return;
        output.Append(text);
        _atStart = false;
    }

    private void TakeCharacters(StringBuilder output, bool isEnd)
    {
        Span<char> utf16 = stackalloc char[2];
        while (_byteCount > 0)
        {
            var status = Rune.DecodeFromUtf8(_bytes.AsSpan(0, _byteCount), out var character, out var consumed);
            if (status == System.Buffers.OperationStatus.NeedMoreData && !isEnd) return;
            if (status != System.Buffers.OperationStatus.Done) (character, consumed) = (Rune.ReplacementChar, 1);
            Put(utf16[..character.EncodeToUtf16(utf16)], output);
            _bytes.AsSpan(consumed.._byteCount).CopyTo(_bytes);
            _byteCount -= consumed;
        }
    }
}
