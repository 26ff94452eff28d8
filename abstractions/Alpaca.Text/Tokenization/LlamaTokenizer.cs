using System.Buffers;
using System.Collections.Concurrent;
using System.Runtime.InteropServices;
using System.Text;
using Alpaca.Abstractions;
using Microsoft.ML.Tokenizers;

namespace Alpaca.Text;

/// <summary>LLaMA's tokenizer: SentencePiece's byte-pair encoding, exact to the id, with the special and added tokens of a Hugging Face folder.</summary>
/// <remarks>
/// <para>Equal to SentencePiece 0.1.97 and to Hugging Face's <c>LlamaTokenizer</c> with <c>legacy=True</c>. Microsoft.ML.Tokenizers' own encoder breaks ties between
/// equal scores differently and gives other ids on one text in four with a merged Chinese vocabulary, where all added pieces have the same score.</para>
/// <para>Through the base class's methods it encodes text alone, without beginning and end of sequence. Offsets refer to the text as it was given: the escaping of
/// spaces is part of the model, so there is no separate <see cref="Tokenizer.Normalizer"/> or <see cref="Tokenizer.PreTokenizer"/> to be considered or not.</para>
/// <para>Safe to use from several threads.</para>
/// </remarks>
public sealed class LlamaTokenizer : Tokenizer
{
    /// <summary>The name of the SentencePiece model in a tokenizer folder.</summary>
    public const string ModelFileName = "tokenizer.model";

    private readonly BpeEncoder _encoder;
    private readonly SpecialTokens _special;
    private readonly SpecialTokenSplitter _splitter;
    private readonly string?[] _surfaces;
    private readonly short[] _bytes;

    private LlamaTokenizer(SentencePieceModel model, Vocabulary vocabulary, SpecialTokens special)
    {
        Model = model;
        _encoder = new BpeEncoder(model, vocabulary);
        _special = special;
        _splitter = new SpecialTokenSplitter(special.All);
        VocabularySize = special.VocabularySize;
        _surfaces = [.. Enumerable.Range(0, VocabularySize).Select(id => MakeSurface(id))];
        _bytes = new short[VocabularySize];
        Array.Fill(_bytes, (short)-1);
        for (short value = 0; value < 256; value++)
        {
            if (vocabulary.ByteIds[value] is >= 0 and var id) _bytes[id] = value;
        }
    }

    /// <summary>The SentencePiece model.</summary>
    public SentencePieceModel Model { get; }

    /// <summary>The number of ids: the model's pieces and the tokens added after them. At most as many as the model's embedding has rows.</summary>
    public int VocabularySize { get; }

    /// <summary>The id that begins a sequence, if there is one.</summary>
    public int? BosId => _special.BosId;

    /// <summary>The id that ends a sequence, if there is one.</summary>
    public int? EosId => _special.EosId;

    /// <summary>The id of what the vocabulary lacks.</summary>
    public int? UnkId => _special.UnkId;

    /// <summary>The id that fills up batches, if there is one.</summary>
    public int? PadId => _special.PadId;

    /// <summary>Loads a tokenizer.</summary>
    /// <param name="folderOrModelFile">
    /// A folder with <c>tokenizer.model</c>, whose <c>tokenizer_config.json</c>, <c>special_tokens_map.json</c> and <c>added_tokens.json</c> are read too if they
    /// are there; or a SentencePiece model file by itself.
    /// </param>
    /// <exception cref="AlpacaException">There is no such tokenizer, a file is damaged, or the model is not byte-pair encoding without normalisation.</exception>
    public static LlamaTokenizer Load(string folderOrModelFile)
    {
        ArgumentException.ThrowIfNullOrEmpty(folderOrModelFile);
        if (!Directory.Exists(folderOrModelFile)) return Create(SentencePieceModel.Load(folderOrModelFile));

        var file = Path.Combine(folderOrModelFile, ModelFileName);
        if (!File.Exists(file))
        {
            throw new AlpacaException(File.Exists(Path.Combine(folderOrModelFile, "tokenizer.json"))
                ? $"{folderOrModelFile} has a tokenizer.json but no {ModelFileName}; only SentencePiece tokenizers (LLaMA 1 and 2) are supported, add the original {ModelFileName}."
                : $"{folderOrModelFile} has no {ModelFileName}; name a tokenizer folder or copy the model's {ModelFileName} there.");
        }
        var model = SentencePieceModel.Load(file);
        var vocabulary = new Vocabulary(model);
        return new LlamaTokenizer(model, vocabulary, new SpecialTokens(model, vocabulary, folderOrModelFile));
    }

    /// <summary>Makes a tokenizer of a model in memory, with the special tokens that the model itself has.</summary>
    /// <param name="model">A byte-pair model without normalisation.</param>
    /// <exception cref="AlpacaException">The model is of another kind.</exception>
    public static LlamaTokenizer Create(SentencePieceModel model)
    {
        ArgumentNullException.ThrowIfNull(model);
        var vocabulary = new Vocabulary(model);
        return new LlamaTokenizer(model, vocabulary, new SpecialTokens(model, vocabulary));
    }

    /// <summary>Encodes a text.</summary>
    /// <param name="text">The text. A space is put before it, as SentencePiece does, unless it is empty.</param>
    /// <param name="addBos">Whether <see cref="BosId"/> comes first.</param>
    /// <param name="addEos">Whether <see cref="EosId"/> comes last.</param>
    /// <param name="parseSpecial">
    /// Whether the texts of special and added tokens (<c>&lt;/s&gt;</c>, <c>[PAD]</c>) become those tokens, each stretch between them being encoded with a space of
    /// its own before it, as Hugging Face's legacy tokenizer does. The default is <see langword="false"/>: they are ordinary characters, so that text from users or
    /// from data cannot end a sequence.
    /// </param>
    /// <exception cref="AlpacaException">A beginning or end is asked for and the tokenizer has none.</exception>
    public IReadOnlyList<int> Encode(string text, bool addBos = false, bool addEos = false, bool parseSpecial = false)
    {
        ArgumentNullException.ThrowIfNull(text);
        var ids = new List<int>(text.Length / 3 + 8);
        if (addBos) ids.Add(BosId ?? throw Lacks("beginning-of-sequence"));
        if (parseSpecial)
        {
            foreach (var part in _splitter.Split(text))
            {
                if (part.Special is { } token) ids.Add(token.Id);
                else Encode(part.Text, ids);
            }
        }
        else
        {
            Encode(text, ids);
        }
        if (addEos) ids.Add(EosId ?? throw Lacks("end-of-sequence"));
        return ids;
    }

    /// <summary>Encodes a text into a list the caller keeps; allocates nothing but the list's growth.</summary>
    /// <param name="text">The text; special tokens in it are ordinary characters.</param>
    /// <param name="destination">Gets the ids, after what it holds already.</param>
    public void Encode(ReadOnlySpan<char> text, List<int> destination)
    {
        ArgumentNullException.ThrowIfNull(destination);
        var sink = new IdSink(destination);
        _encoder.Encode(text, ref sink);
    }

    /// <summary>Encodes a text into memory of the caller's; allocates nothing.</summary>
    /// <param name="text">The text; special tokens in it are ordinary characters.</param>
    /// <param name="destination">Gets the ids. Three for each UTF-16 code unit, and three more, are always enough.</param>
    /// <param name="tokenCount">How many tokens the text has, also if they do not fit.</param>
    /// <returns>Whether they fit. If not, <paramref name="destination"/> has the first of them.</returns>
    public bool TryEncode(ReadOnlySpan<char> text, Span<int> destination, out int tokenCount)
    {
        var sink = new IdSpanSink(destination);
        _encoder.Encode(text, ref sink);
        tokenCount = sink.Count;
        return tokenCount <= destination.Length;
    }

    /// <summary>Encodes many texts, several at a time.</summary>
    /// <param name="texts">The texts; special tokens in them are ordinary characters.</param>
    /// <param name="maxDegreeOfParallelism">How many threads at most; -1, the default, leaves it to the system, which takes all processors.</param>
    /// <param name="cancellationToken">Stops between texts.</param>
    /// <returns>The ids of each text, in the order of <paramref name="texts"/>.</returns>
    public IReadOnlyList<int[]> EncodeBatch(IReadOnlyList<string> texts, int maxDegreeOfParallelism = -1, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(texts);
        var ids = new int[texts.Count][];
        if (ids.Length == 0) return ids;
        var options = new ParallelOptions { MaxDegreeOfParallelism = maxDegreeOfParallelism, CancellationToken = cancellationToken };
        // Small enough that one slow range does not keep the others waiting, large enough that handing them out costs nothing.
        var ranges = Partitioner.Create(0, ids.Length, Math.Clamp(ids.Length / (16 * Environment.ProcessorCount), 1, 256));
        Parallel.ForEach(ranges, options, () => new List<int>(), (range, state, buffer) =>
        {
            for (var i = range.Item1; i < range.Item2 && !state.ShouldExitCurrentIteration; i++)
            {
                buffer.Clear();
                Encode(texts[i] ?? throw new ArgumentException($"Text {i} is null.", nameof(texts)), buffer);
                ids[i] = [.. buffer];
            }
            return buffer;
        }, static _ => { });
        return ids;
    }

    /// <summary>The text of ids.</summary>
    /// <param name="ids">Ids of this vocabulary.</param>
    /// <param name="skipSpecialTokens">
    /// Whether special tokens are left out, the default; the unknown token is then shown as <c> ⁇ </c>. Otherwise they are written as Hugging Face's legacy tokenizer
    /// writes them: <c>&lt;s&gt; text&lt;/s&gt;</c>.
    /// </param>
    /// <exception cref="AlpacaException">An id is not in the vocabulary.</exception>
    public string Decode(IEnumerable<int> ids, bool skipSpecialTokens = true)
    {
        ArgumentNullException.ThrowIfNull(ids);
        return skipSpecialTokens ? DecodeText(ids) : DecodeWithSpecialTokens(ids);
    }

    /// <inheritdoc />
    public override string Decode(IEnumerable<int> ids) => Decode(ids, skipSpecialTokens: true);

    /// <inheritdoc />
    public override OperationStatus Decode(IEnumerable<int> ids, Span<char> destination, out int idsConsumed, out int charsWritten)
    {
        ArgumentNullException.ThrowIfNull(ids);
        (idsConsumed, charsWritten) = (0, 0);
        var (assembler, text, taken) = (new PieceAssembler(this), new StringBuilder(), 0);
        foreach (var id in ids)
        {
            if (id < 0 || id >= VocabularySize) return OperationStatus.InvalidData;
            assembler.Append(id, text);
            taken++;
            if (!assembler.IsComplete) continue; // ids in the middle of a character count when it is complete
            if (!Copy(destination, ref charsWritten)) return OperationStatus.DestinationTooSmall;
            idsConsumed = taken;
        }
        assembler.Flush(text);
        if (!Copy(destination, ref charsWritten)) return OperationStatus.DestinationTooSmall;
        idsConsumed = taken;
        return OperationStatus.Done;

        bool Copy(Span<char> destination, ref int charsWritten)
        {
            if (text.Length > destination.Length - charsWritten) return false;
            text.CopyTo(0, destination[charsWritten..], text.Length);
            charsWritten += text.Length;
            text.Clear();
            return true;
        }
    }

    /// <summary>The piece of an id as the vocabulary has it, <c>▁</c> for a space; <see langword="null"/> if the id is not in the vocabulary.</summary>
    public string? PieceOf(int id)
        => id >= 0 && id < Model.Pieces.Count ? Model.Pieces[id].Text : _special.Find(id)?.Content;

    /// <inheritdoc />
    protected override EncodeResults<int> EncodeToIds(string? text, ReadOnlySpan<char> textSpan, EncodeSettings settings)
    {
        var span = text is null ? textSpan : text;
        if (settings.MaxTokenCount == int.MaxValue)
        {
            var ids = new List<int>(span.Length / 3 + 8);
            Encode(span, ids);
            return new EncodeResults<int> { Tokens = ids, CharsConsumed = span.Length };
        }
        var tokens = Fitting(span, settings.MaxTokenCount, out var consumed);
        return new EncodeResults<int> { Tokens = [.. tokens.Select(token => token.Id)], CharsConsumed = consumed };
    }

    /// <inheritdoc />
    protected override EncodeResults<EncodedToken> EncodeToTokens(string? text, ReadOnlySpan<char> textSpan, EncodeSettings settings)
    {
        var tokens = Fitting(text is null ? textSpan : text, settings.MaxTokenCount, out var consumed);
        return new EncodeResults<EncodedToken>
        {
            Tokens = [.. tokens.Select(token => new EncodedToken(token.Id, PieceOf(token.Id)!, token.Start..token.End))],
            CharsConsumed = consumed,
        };
    }

    /// <inheritdoc />
    protected override int CountTokens(string? text, ReadOnlySpan<char> textSpan, EncodeSettings settings)
    {
        var span = text is null ? textSpan : text;
        if (settings.MaxTokenCount != int.MaxValue) return Fitting(span, settings.MaxTokenCount, out _).Count;
        var sink = new CountSink();
        _encoder.Encode(span, ref sink);
        return sink.Count;
    }

    /// <inheritdoc />
    protected override int GetIndexByTokenCount(
        string? text, ReadOnlySpan<char> textSpan, EncodeSettings settings, bool fromEnd, out string? normalizedText, out int tokenCount)
    {
        normalizedText = null;
        var span = text is null ? textSpan : text;
        if (!fromEnd)
        {
            tokenCount = Fitting(span, settings.MaxTokenCount, out var end).Count;
            return end;
        }
        var tokens = Spans(span);
        var first = Math.Max(0, tokens.Count - settings.MaxTokenCount);
        // Not in the middle of a character: the token before must end where the first one begins.
        while (first < tokens.Count && first > 0 && IsInsideCharacter(tokens, first)) first++;
        tokenCount = tokens.Count - first;
        return first == tokens.Count ? span.Length : first == 0 ? 0 : tokens[first].Start;
    }

    /// <summary>The byte an id stands for, if it is a byte piece.</summary>
    internal byte? ByteOf(int id) => _bytes[id] >= 0 ? (byte)_bytes[id] : null;

    /// <summary>What an id adds to decoded text, its leading space included; nothing if it is invisible there.</summary>
    internal string? SurfaceOf(int id) => _surfaces[id];

    /// <summary>Whether an id is a token added after the vocabulary that shows in decoded text.</summary>
    internal bool IsAddedText(int id) => id >= Model.Pieces.Count && _surfaces[id] is not null;

    /// <summary>Whether an id is the model's unknown piece.</summary>
    internal bool IsUnknown(int id) => id < Model.Pieces.Count && Model.Pieces[id].Type == SentencePieceType.Unknown;

    /// <summary>Whether decoding takes away the space put before the text.</summary>
    internal bool StripsPrefix => Model.Normalizer.AddDummyPrefix;

    internal void ThrowIfOutside(int id)
    {
        if (id < 0 || id >= VocabularySize)
            throw new AlpacaException($"The id {id} is not in the vocabulary of {Model.Name}, which has {VocabularySize}; use the tokenizer that belongs to the model.");
    }

    private AlpacaException Lacks(string token) => new($"{Model.Name} has no {token} token; name it in the folder's special_tokens_map.json.");

    private string? MakeSurface(int id)
    {
        if (id >= Model.Pieces.Count) return _special.Find(id) is { IsSpecial: false } added ? added.Content : null;
        var piece = Model.Pieces[id];
        return piece.Type switch
        {
            SentencePieceType.Control or SentencePieceType.Byte => null,
            SentencePieceType.Unknown => Model.Trainer.UnkSurface,
            _ when _special.Find(id) is { IsSpecial: true } => null,
            _ => piece.Text.Replace(Vocabulary.Space, ' '),
        };
    }

    private string DecodeText(IEnumerable<int> ids)
    {
        var (assembler, text) = (new PieceAssembler(this), new StringBuilder());
        foreach (var id in ids)
        {
            ThrowIfOutside(id);
            assembler.Append(id, text);
        }
        assembler.Flush(text);
        return text.ToString();
    }

    /// <summary>Hugging Face's <c>convert_tokens_to_string</c>: runs of ordinary pieces are decoded by themselves, special tokens are written out between them.</summary>
    private string DecodeWithSpecialTokens(IEnumerable<int> ids)
    {
        var (text, run, isFirst, afterAdded) = (new StringBuilder(), new List<int>(), true, false);
        foreach (var id in ids)
        {
            ThrowIfOutside(id);
            var token = _special.Find(id);
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

    private List<TokenSpan> Spans(ReadOnlySpan<char> text)
    {
        var spans = new List<TokenSpan>(text.Length / 3 + 8);
        var sink = new SpanSink(spans);
        _encoder.Encode(text, ref sink);
        return spans;
    }

    /// <summary>The first tokens of a text, at most so many and without the bytes of a character that would be incomplete.</summary>
    /// <param name="text">The text.</param>
    /// <param name="maxTokenCount">At most so many.</param>
    /// <param name="consumed">How much of the text they stand for, in UTF-16 code units.</param>
    private List<TokenSpan> Fitting(ReadOnlySpan<char> text, int maxTokenCount, out int consumed)
    {
        var tokens = Spans(text);
        if (tokens.Count <= maxTokenCount)
        {
            consumed = text.Length;
            return tokens;
        }
        var count = maxTokenCount;
        while (count > 0 && IsInsideCharacter(tokens, count)) count--;
        CollectionsMarshal.SetCount(tokens, count);
        consumed = count == 0 ? 0 : tokens[^1].End;
        return tokens;
    }

    /// <summary>Whether the token before a place is a byte of a character that goes on after it.</summary>
    private bool IsInsideCharacter(List<TokenSpan> tokens, int place)
        => ByteOf(tokens[place - 1].Id) is not null && tokens[place - 1].End == tokens[place - 1].Start;
}
