using System.Buffers;
using System.Collections.Concurrent;
using System.Runtime.InteropServices;
using System.Text;
using Alpaca.Abstractions;
using Microsoft.ML.Tokenizers;

namespace Alpaca.Text;

/// <summary>The tokenizer of a language model, of whichever kind: what turns text into the ids the model was trained with, and back.</summary>
/// <remarks>
/// <para>Through the base class's methods it encodes text alone, without beginning and end of sequence. Offsets refer to the text as it was given: what a kind does to
/// the text before it is split is part of the kind, so there is no separate <see cref="Tokenizer.Normalizer"/> or <see cref="Tokenizer.PreTokenizer"/> to be considered
/// or not. The offsets of a text's tokens follow one another without gaps; a token that ends inside a character ends, by its offset, where that character begins.</para>
/// <para>Safe to use from several threads.</para>
/// </remarks>
public abstract class ModelTokenizer : Tokenizer
{
    /// <summary>The name of the vocabulary in a tokenizer folder: a SentencePiece model, or Meta's tiktoken file.</summary>
    public const string ModelFileName = "tokenizer.model";

    private readonly SpecialTokenSplitter _splitter;

    private protected ModelTokenizer(string name, SpecialTokens special)
    {
        Name = name;
        Special = special;
        _splitter = new SpecialTokenSplitter(special.All);
    }

    /// <summary>The file it was read from, for messages.</summary>
    public string Name { get; }

    /// <summary>The number of ids: the vocabulary's pieces and the tokens added after them. At most as many as the model's embedding has rows.</summary>
    public int VocabularySize => Special.VocabularySize;

    /// <summary>The id that begins a sequence, if there is one.</summary>
    public int? BosId => Special.BosId;

    /// <summary>The id that ends a sequence, if there is one.</summary>
    public int? EosId => Special.EosId;

    /// <summary>The id of what the vocabulary lacks, if it lacks anything.</summary>
    public int? UnkId => Special.UnkId;

    /// <summary>The id that fills up batches, if there is one.</summary>
    public int? PadId => Special.PadId;

    internal SpecialTokens Special { get; }

    /// <summary>Loads a tokenizer of the kind that the files are of.</summary>
    /// <param name="folderOrModelFile">
    /// A folder with <c>tokenizer.model</c> (a SentencePiece model of byte-pair encoding or unigram, or Meta's tiktoken file) or Llama 3's <c>tokenizer.json</c>, whose
    /// <c>tokenizer_config.json</c>, <c>special_tokens_map.json</c>, <c>added_tokens.json</c> and <c>generation_config.json</c> are read too if they are there; or one of the two
    /// files by itself. Where both are there and <c>tokenizer.model</c> is a tiktoken file, <c>tokenizer.json</c> is read, which names the special tokens.
    /// </param>
    /// <exception cref="AlpacaException">There is no such tokenizer, a file is damaged, or it is of a kind that is not supported.</exception>
    public static ModelTokenizer Load(string folderOrModelFile)
    {
        ArgumentException.ThrowIfNullOrEmpty(folderOrModelFile);
        if (!Directory.Exists(folderOrModelFile)) return LoadFile(folderOrModelFile, folder: null);

        var (model, json) = (Path.Combine(folderOrModelFile, ModelFileName), Path.Combine(folderOrModelFile, Llama3Tokenizer.JsonFileName));
        if (File.Exists(json) && (!File.Exists(model) || TiktokenFile.IsOne(model))) return Llama3Tokenizer.FromTokenizerJson(json, folderOrModelFile);
        return File.Exists(model)
            ? LoadFile(model, folderOrModelFile)
            : throw new AlpacaException($"{folderOrModelFile} has no {ModelFileName} or {Llama3Tokenizer.JsonFileName}; name a tokenizer folder or copy the model's there.");
    }

    private static ModelTokenizer LoadFile(string file, string? folder)
    {
        if (file.EndsWith(".json", StringComparison.OrdinalIgnoreCase)) return Llama3Tokenizer.FromTokenizerJson(file, folder);
        if (File.Exists(file) && TiktokenFile.IsOne(file)) return Llama3Tokenizer.FromTiktoken(file, folder);
        var model = SentencePieceModel.Load(file);
        var vocabulary = new Vocabulary(model);
        var special = SpecialTokens.Of(model, vocabulary, folder);
        return model.Trainer.ModelType == SentencePieceModelType.Unigram ? new UnigramTokenizer(model, vocabulary, special) : new LlamaTokenizer(model, vocabulary, special);
    }

    /// <summary>Encodes a text.</summary>
    /// <param name="text">The text.</param>
    /// <param name="addBos">Whether <see cref="BosId"/> comes first.</param>
    /// <param name="addEos">Whether <see cref="EosId"/> comes last.</param>
    /// <param name="parseSpecial">
    /// Whether the texts of special and added tokens (<c>&lt;/s&gt;</c>, <c>[PAD]</c>) become those tokens, each stretch between them being encoded by itself, as Hugging
    /// Face's tokenizers do. The default is <see langword="false"/>: they are ordinary characters, so that text from users or from data cannot end a sequence.
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

    /// <summary>Encodes a text into a list the caller keeps.</summary>
    /// <param name="text">The text; special tokens in it are ordinary characters.</param>
    /// <param name="destination">Gets the ids, after what it holds already.</param>
    public void Encode(ReadOnlySpan<char> text, List<int> destination)
    {
        ArgumentNullException.ThrowIfNull(destination);
        var sink = new IdSink(destination);
        EncodeText(text, ref sink);
    }

    /// <summary>Encodes a text into memory of the caller's.</summary>
    /// <param name="text">The text; special tokens in it are ordinary characters.</param>
    /// <param name="destination">Gets the ids. Three for each UTF-16 code unit, and three more, are always enough.</param>
    /// <param name="tokenCount">How many tokens the text has, also if they do not fit.</param>
    /// <returns>Whether they fit. If not, <paramref name="destination"/> has the first of them.</returns>
    public bool TryEncode(ReadOnlySpan<char> text, Span<int> destination, out int tokenCount)
    {
        var sink = new IdSpanSink(destination);
        EncodeText(text, ref sink);
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
    /// <param name="skipSpecialTokens">Whether special tokens are left out, the default. Otherwise they are written as Hugging Face's tokenizer of the kind writes them.</param>
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
        var (assembler, text, taken) = (CreateAssembler(), new StringBuilder(), 0);
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

    /// <summary>The piece of an id as the vocabulary writes it, for instance with <c>▁</c> for a space; <see langword="null"/> if the id is not in the vocabulary.</summary>
    public abstract string? PieceOf(int id);

    /// <summary>What an id adds to decoded text, in UTF-8: characters, or some of the bytes of one. Empty for special tokens, which decoding leaves out.</summary>
    /// <param name="id">An id of the vocabulary.</param>
    /// <exception cref="AlpacaException">The id is not in the vocabulary.</exception>
    public ReadOnlyMemory<byte> BytesOf(int id)
    {
        ThrowIfOutside(id);
        return VisibleBytesOf(id);
    }

    /// <summary>The id of a special or added token by its text, for instance <c>&lt;|eot_id|&gt;</c>; <see langword="null"/> if there is no such token.</summary>
    public int? SpecialIdOf(string content)
    {
        ArgumentNullException.ThrowIfNull(content);
        return Special.Find(content)?.Id;
    }

    /// <summary>Encodes a text, special tokens in it being ordinary characters.</summary>
    /// <param name="text">The text; unpaired surrogates count as U+FFFD.</param>
    /// <param name="sink">Gets the tokens, in order.</param>
    internal abstract void EncodeText<TSink>(ReadOnlySpan<char> text, ref TSink sink) where TSink : struct, ITokenSink, allows ref struct;

    /// <summary>What an id of the vocabulary adds to decoded text.</summary>
    private protected abstract ReadOnlyMemory<byte> VisibleBytesOf(int id);

    /// <summary>Begins decoding ids one by one, special tokens left out.</summary>
    internal abstract TokenAssembler CreateAssembler();

    /// <summary>Decodes ids with the special tokens written out.</summary>
    internal abstract string DecodeWithSpecialTokens(IEnumerable<int> ids);

    /// <summary>Whether the bytes of an id begin in the middle of a character.</summary>
    internal abstract bool ContinuesCharacter(int id);

    internal void ThrowIfOutside(int id)
    {
        if (id < 0 || id >= VocabularySize)
            throw new AlpacaException($"The id {id} is not in the vocabulary of {Name}, which has {VocabularySize}; use the tokenizer that belongs to the model.");
    }

    /// <summary>Decodes ids, special tokens left out.</summary>
    private protected string DecodeText(IEnumerable<int> ids) => DecodeText(ids, CreateAssembler());

    /// <summary>Decodes ids.</summary>
    private protected string DecodeText(IEnumerable<int> ids, TokenAssembler assembler)
    {
        var text = new StringBuilder();
        foreach (var id in ids)
        {
            ThrowIfOutside(id);
            assembler.Append(id, text);
        }
        assembler.Flush(text);
        return text.ToString();
    }

    /// <inheritdoc />
    protected sealed override EncodeResults<int> EncodeToIds(string? text, ReadOnlySpan<char> textSpan, EncodeSettings settings)
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
    protected sealed override EncodeResults<EncodedToken> EncodeToTokens(string? text, ReadOnlySpan<char> textSpan, EncodeSettings settings)
    {
        var tokens = Fitting(text is null ? textSpan : text, settings.MaxTokenCount, out var consumed);
        return new EncodeResults<EncodedToken>
        {
            Tokens = [.. tokens.Select(token => new EncodedToken(token.Id, PieceOf(token.Id)!, token.Start..token.End))],
            CharsConsumed = consumed,
        };
    }

    /// <inheritdoc />
    protected sealed override int CountTokens(string? text, ReadOnlySpan<char> textSpan, EncodeSettings settings)
    {
        var span = text is null ? textSpan : text;
        if (settings.MaxTokenCount != int.MaxValue) return Fitting(span, settings.MaxTokenCount, out _).Count;
        var sink = new CountSink();
        EncodeText(span, ref sink);
        return sink.Count;
    }

    /// <inheritdoc />
    protected sealed override int GetIndexByTokenCount(
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
        while (first < tokens.Count && ContinuesCharacter(tokens[first].Id)) first++;
        tokenCount = tokens.Count - first;
        return first == tokens.Count ? span.Length : first == 0 ? 0 : tokens[first].Start;
    }

    private AlpacaException Lacks(string token) => new($"{Name} has no {token} token; name it in the folder's special_tokens_map.json.");

    private List<TokenSpan> Spans(ReadOnlySpan<char> text)
    {
        var spans = new List<TokenSpan>(text.Length / 3 + 8);
        var sink = new SpanSink(spans);
        EncodeText(text, ref sink);
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
        while (count > 0 && ContinuesCharacter(tokens[count].Id)) count--;
        CollectionsMarshal.SetCount(tokens, count);
        consumed = count == 0 ? 0 : tokens[^1].End;
        return tokens;
    }
}
