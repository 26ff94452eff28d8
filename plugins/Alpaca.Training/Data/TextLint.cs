using System.Buffers.Binary;
using System.Globalization;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using Alpaca.Text;

namespace Alpaca.Training;

/// <summary>What is to be known about plain text before training on it: its size, whether the tokenizer fits it, and what stands in it more than once.</summary>
internal sealed class TextLint
{
    // In text that a vocabulary was made for, one token in a thousand; with LLaMA's own vocabulary, half of Chinese text.
    private const double TolerableByteShare = 0.05;

    private readonly string _purpose;
    private readonly bool[] _isByte;
    private readonly int? _unknown;
    private readonly HashSet<long> _seen = [];
    private readonly Finding _duplicate = new();
    private long _documents;
    private long _characters;
    private long _tokens;
    private long _bytes;
    private long _unknowns;

    /// <param name="purpose">What the data is for, in messages.</param>
    /// <param name="tokenizer">The tokenizer.</param>
    public TextLint(string purpose, ModelTokenizer tokenizer)
    {
        (_purpose, _unknown) = (purpose, tokenizer.UnkId);
        _isByte = [.. Enumerable.Range(0, tokenizer.VocabularySize).Select(id => IsByte(tokenizer.PieceOf(id)))];
    }

    /// <summary>Looks at a document and its tokens.</summary>
    /// <param name="document">The document.</param>
    /// <param name="ids">Its text as tokens, without beginning and end.</param>
    public void Add(TextDocument document, ReadOnlySpan<int> ids)
    {
        Span<byte> hash = stackalloc byte[SHA256.HashSizeInBytes];
        SHA256.HashData(MemoryMarshal.AsBytes(document.Text.AsSpan()), hash);
        _duplicate.Add(!_seen.Add(BinaryPrimitives.ReadInt64LittleEndian(hash)), document.Place);
        _documents++;
        _characters += document.Text.Length;
        _tokens += ids.Length;
        foreach (var id in ids)
        {
            if (_isByte[id]) _bytes++;
            if (id == _unknown) _unknowns++;
        }
    }

    /// <summary>What was found.</summary>
    /// <param name="text">The files, read to the end.</param>
    /// <param name="blocks">The blocks that the text gave.</param>
    /// <param name="documents">What a document is.</param>
    public DataFindings Findings(TextDataset text, IReadOnlyCollection<SupervisedExample> blocks, string documents)
    {
        var summary = string.Create(
            CultureInfo.InvariantCulture,
            $"{_purpose} text: {text.Files.Count:N0} files, {text.Lines:N0} lines, {_documents:N0} documents (one a {documents}), {blocks.Sum(block => (long)block.InputIds.Length):N0} tokens in {blocks.Count:N0} blocks");
        var fit = string.Create(
            CultureInfo.InvariantCulture,
            $"{_purpose} text: {(double)_characters / Math.Max(1, _tokens):F2} characters a token; {Share(_bytes):P1} of the tokens are single bytes of characters that the vocabulary lacks, {Share(_unknowns):P1} are unknown");
        return new DataFindings([summary, fit], [.. Warnings(text)]);
    }

    private IEnumerable<string> Warnings(TextDataset text)
    {
        if (Share(_bytes) > TolerableByteShare)
            yield return string.Create(CultureInfo.InvariantCulture, $"{Share(_bytes):P1} of the {_purpose} tokens are single bytes: the tokenizer does not fit this text; add its pieces with merge-tokenizers");
        if (_unknowns > 0)
            yield return string.Create(CultureInfo.InvariantCulture, $"{_unknowns:N0} of the {_purpose} tokens are unknown to the tokenizer and teach nothing but that");
        if (_duplicate.Count > 0)
            yield return string.Create(CultureInfo.InvariantCulture, $"{_duplicate.Count:N0} of {_documents:N0} {_purpose} documents are there more than once and count as often ({_duplicate.Places})");
        if (text.FilesWithoutText.Count > 0)
            yield return string.Create(CultureInfo.InvariantCulture, $"{text.FilesWithoutText.Count:N0} {_purpose} files have no text ({Listing.Of(text.FilesWithoutText)})");
    }

    private double Share(long count) => (double)count / Math.Max(1, _tokens);

    // <0x41>, as SentencePiece writes them.
    private static bool IsByte(string? piece) => piece is ['<', '0', 'x', _, _, '>'];
}
