using System.Text;

namespace Alpaca.Text;

/// <summary>A tokenizer with a SentencePiece vocabulary. What its kinds have in common: pieces, special tokens, decoding.</summary>
/// <remarks>Decodes as SentencePiece 0.1.97 does and, with special tokens written out, as Hugging Face's <c>LlamaTokenizer</c> with <c>legacy=True</c>.</remarks>
public abstract class SentencePieceTokenizer : ModelTokenizer
{
    private readonly string?[] _surfaces;
    private readonly short[] _bytes;

    private protected SentencePieceTokenizer(SentencePieceModel model, Vocabulary vocabulary, SpecialTokens special) : base(model.Name, special)
    {
        Model = model;
        _surfaces = [.. Enumerable.Range(0, VocabularySize).Select(MakeSurface)];
        _bytes = new short[VocabularySize];
        Array.Fill(_bytes, (short)-1);
        for (short value = 0; value < 256; value++)
        {
            if (vocabulary.ByteIds[value] is >= 0 and var id) _bytes[id] = value;
        }
    }

    /// <summary>The SentencePiece model.</summary>
    public SentencePieceModel Model { get; }

    /// <inheritdoc />
    public sealed override string? PieceOf(int id) => id >= 0 && id < Model.Pieces.Count ? Model.Pieces[id].Text : Special.Find(id)?.Content;

    /// <summary>Whether decoding takes away the space put before the text.</summary>
    internal bool StripsPrefix => Model.Normalizer.AddDummyPrefix || StripsAllSpaces;

    /// <summary>Whether decoding takes away all spaces before the text.</summary>
    internal bool StripsAllSpaces => Model.Normalizer.RemoveExtraWhitespaces;

    /// <summary>The byte an id stands for, if it is a byte piece.</summary>
    internal byte? ByteOf(int id) => _bytes[id] >= 0 ? (byte)_bytes[id] : null;

    /// <summary>What an id adds to decoded text, its leading space included; nothing if it is invisible there.</summary>
    internal string? SurfaceOf(int id) => _surfaces[id];

    /// <summary>Whether an id is a token added after the vocabulary that shows in decoded text.</summary>
    internal bool IsAddedText(int id) => id >= Model.Pieces.Count && _surfaces[id] is not null;

    /// <summary>Whether an id is the model's unknown piece.</summary>
    internal bool IsUnknown(int id) => id < Model.Pieces.Count && Model.Pieces[id].Type == SentencePieceType.Unknown;

    internal sealed override bool ContinuesCharacter(int id) => _bytes[id] is >= 0x80 and < 0xC0;

    private protected sealed override ReadOnlyMemory<byte> VisibleBytesOf(int id)
        => ByteOf(id) is { } value ? new[] { value } : _surfaces[id] is { } surface ? Encoding.UTF8.GetBytes(surface) : default(ReadOnlyMemory<byte>);

    internal sealed override TokenAssembler CreateAssembler() => new PieceAssembler(this);

    /// <summary>Hugging Face's <c>convert_tokens_to_string</c>: runs of ordinary pieces are decoded by themselves, special tokens are written out between them.</summary>
    internal sealed override string DecodeWithSpecialTokens(IEnumerable<int> ids)
    {
        var (text, run, isFirst, afterAdded) = (new StringBuilder(), new List<int>(), true, false);
        foreach (var id in ids)
        {
            ThrowIfOutside(id);
            var token = Special.Find(id);
            var isAdded = id >= Model.Pieces.Count;
            if (token is null || !(token.IsSpecial || isAdded))
            {
                if (afterAdded && run.Count == 0) text.Append(' ');
                run.Add(id);
                (isFirst, afterAdded) = (false, false);
                continue;
            }
            if (isAdded)
            {
                text.Append(DecodeText(run));
                if (!isFirst) text.Append(' ');
            }
            else
            {
                // The space comes before the run, not before the token: "<s> text</s>".
                if (run.Count > 0 || afterAdded) text.Append(' ');
                text.Append(DecodeText(run));
            }
            text.Append(token.Content);
            run.Clear();
            (isFirst, afterAdded) = (false, isAdded);
        }
        return text.Append(DecodeText(run)).ToString();
    }

    private string? MakeSurface(int id)
    {
        if (id >= Model.Pieces.Count) return Special.Find(id) is { IsSpecial: false } added ? added.Content : null;
        var piece = Model.Pieces[id];
        return piece.Type switch
        {
            SentencePieceType.Control or SentencePieceType.Byte => null,
            SentencePieceType.Unknown => Model.Trainer.UnkSurface,
            _ when Special.Find(id) is { IsSpecial: true } => null,
            _ => piece.Text.Replace(Vocabulary.Space, ' '),
        };
    }
}
