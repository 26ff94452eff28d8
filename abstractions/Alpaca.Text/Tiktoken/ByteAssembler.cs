using System.Buffers;
using System.Text;

namespace Alpaca.Text;

/// <summary>Decodes pieces of bytes: put together they are UTF-8, with one U+FFFD for as many bytes as begin a character that is not finished, as Unicode recommends.</summary>
/// <param name="tokenizer">The tokenizer.</param>
/// <param name="skipSpecialTokens">Whether special tokens are left out, so that bytes before and after them can make up a character.</param>
internal sealed class ByteAssembler(Llama3Tokenizer tokenizer, bool skipSpecialTokens) : TokenAssembler
{
    private const int LongestCharacter = 4;

    private readonly byte[] _unfinished = new byte[LongestCharacter];
    private int _count;

    public override bool IsComplete => _count == 0;

    public override void Append(int id, StringBuilder output)
    {
        var bytes = tokenizer.BytesOf(id, skipSpecialTokens);
        while (_count > 0 && bytes.Length > 0)
        {
            _unfinished[_count++] = bytes[0];
            bytes = bytes[1..];
            TakeUnfinished(output, isEnd: false);
        }
        while (bytes.Length > 0)
        {
            var status = Rune.DecodeFromUtf8(bytes, out var character, out var consumed);
            if (status == OperationStatus.NeedMoreData)
            {
                bytes.CopyTo(_unfinished);
                _count = bytes.Length;
                return;
            }
            Put(character, output);
            bytes = bytes[consumed..];
        }
    }

    public override void Flush(StringBuilder output) => TakeUnfinished(output, isEnd: true);

    private void TakeUnfinished(StringBuilder output, bool isEnd)
    {
        while (_count > 0)
        {
            var status = Rune.DecodeFromUtf8(_unfinished.AsSpan(0, _count), out var character, out var consumed);
            if (status == OperationStatus.NeedMoreData && !isEnd) return;
            Put(character, output);
            _unfinished.AsSpan(consumed.._count).CopyTo(_unfinished);
            _count -= consumed;
        }
    }

    private static void Put(Rune character, StringBuilder output)
    {
        Span<char> utf16 = stackalloc char[2];
        output.Append(utf16[..character.EncodeToUtf16(utf16)]);
    }
}
