using System.Text;
using Alpaca.Abstractions;

namespace Alpaca.Text;

/// <summary>Llama 3's tokenizer: byte-pair encoding of the bytes of words, exact to the id. From a <c>tokenizer.json</c> or from Meta's tiktoken file.</summary>
/// <remarks>
/// <para>Equal to tiktoken with Llama 3's pattern, and to Hugging Face's tokenizers where the file is <c>tokenizer.json</c>. Every text can be encoded, so there is no unknown
/// token, and no space is put before it. Microsoft.ML.Tokenizers' tiktoken merges alike but its regular expressions see no letters beyond the basic plane, and its time grows
/// with the square of a word's length.</para>
/// <para>Decoding gives the bytes as they are: Hugging Face's <c>clean_up_tokenization_spaces</c>, which takes spaces before punctuation away, is not applied.</para>
/// </remarks>
public sealed class Llama3Tokenizer : ModelTokenizer
{
    /// <summary>The name of the vocabulary in Hugging Face's folders.</summary>
    public const string JsonFileName = "tokenizer.json";

    private readonly ByteLevelVocabulary _vocabulary;
    private readonly ByteLevelEncoder _encoder;
    private readonly byte[][] _bytes;

    private Llama3Tokenizer(ByteLevelVocabulary vocabulary, SpecialTokens special) : base(vocabulary.Name, special)
    {
        _vocabulary = vocabulary;
        _encoder = new ByteLevelEncoder(vocabulary);
        _bytes = new byte[VocabularySize][];
        for (var id = 0; id < _bytes.Length; id++)
        {
            // An id between the pieces and the last added token may be nobody's.
            _bytes[id] = special.Find(id) is { } token ? Encoding.UTF8.GetBytes(token.Content) : id < vocabulary.Pieces.Count ? ByteAlphabet.Decode(vocabulary.Pieces[id])! : [];
        }
    }

    /// <inheritdoc />
    public override string? PieceOf(int id)
        => Special.Find(id)?.Content ?? (id >= 0 && id < _vocabulary.Pieces.Count ? _vocabulary.Pieces[id] : null);

    /// <summary>Reads a <c>tokenizer.json</c> and, if a folder is named, the JSON files beside it.</summary>
    internal static Llama3Tokenizer FromTokenizerJson(string file, string? folder)
    {
        ByteLevelVocabulary? vocabulary = null;
        SpecialTokens? special = null;
        SpecialTokens.ReadJson(file, (_, root) =>
        {
            vocabulary = ByteLevelVocabulary.ReadTokenizerJson(file, root);
            special = SpecialTokensOf(vocabulary);
            special.ReadAddedTokenList(file, root);
        });
        return Create(vocabulary ?? throw new AlpacaException($"{file} does not exist; name a tokenizer folder."), special!, folder);
    }

    /// <summary>Reads Meta's tiktoken file and, if a folder is named, the JSON files beside it. The special tokens, which are not in it, get Llama 3.1's names.</summary>
    internal static Llama3Tokenizer FromTiktoken(string file, string? folder)
    {
        var vocabulary = ByteLevelVocabulary.ReadTiktoken(file);
        var special = SpecialTokensOf(vocabulary);
        var id = vocabulary.Pieces.Count;
        foreach (var content in Llama3SpecialTokens.Llama31) special.Add(content, id++, isSpecial: true);
        return Create(vocabulary, special, folder);
    }

    /// <summary>The bytes an id stands for.</summary>
    internal ReadOnlySpan<byte> BytesOf(int id, bool skipSpecialTokens) => skipSpecialTokens && Special.Find(id) is { IsSpecial: true } ? [] : _bytes[id];

    private protected override ReadOnlyMemory<byte> VisibleBytesOf(int id) => Special.Find(id) is { IsSpecial: true } ? default(ReadOnlyMemory<byte>) : _bytes[id];

    internal override void EncodeText<TSink>(ReadOnlySpan<char> text, ref TSink sink) => _encoder.Encode(text, ref sink);

    internal override TokenAssembler CreateAssembler() => new ByteAssembler(this, skipSpecialTokens: true);

    internal override string DecodeWithSpecialTokens(IEnumerable<int> ids) => DecodeText(ids, new ByteAssembler(this, skipSpecialTokens: false));

    internal override bool ContinuesCharacter(int id) => _bytes[id] is [>= 0x80 and < 0xC0, ..];

    private static Llama3Tokenizer Create(ByteLevelVocabulary vocabulary, SpecialTokens special, string? folder)
    {
        if (folder is not null) special.ReadFolder(folder);
        special.SetDefaults(Llama3SpecialTokens.BeginOfText, Llama3SpecialTokens.EndOfText);
        return new Llama3Tokenizer(vocabulary, special);
    }

    private static SpecialTokens SpecialTokensOf(ByteLevelVocabulary vocabulary)
        => new(new SpecialTokenVocabulary(vocabulary.Name, vocabulary.Pieces.Count, piece => vocabulary.Ids.GetValueOrDefault(piece, -1), id => vocabulary.Pieces[id]), isLegacy: false);
}
