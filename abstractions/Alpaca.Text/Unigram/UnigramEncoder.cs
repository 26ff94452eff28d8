using System.Buffers;
using System.Text;
using Alpaca.Abstractions;

namespace Alpaca.Text;

/// <summary>SentencePiece's unigram language model: of all ways to split the normalised text into pieces the one whose scores add up to the most.</summary>
/// <remarks>
/// <para>The Viterbi search of SentencePiece 0.1.97 (<c>EncodeOptimized</c>), exact to the id: sums are made and compared in the precisions it has, for where two ways are
/// all but equal the rounding decides. A character that begins no one-character piece may be unknown at 10 less than the worst score; a run of unknown ones is one token.</para>
/// <para>Safe to use from several threads. Time and memory grow in proportion to the text.</para>
/// </remarks>
internal sealed class UnigramEncoder
{
    private const float UnknownPenalty = 10;

    // What SentencePiece takes a user-defined piece's length to be worth when no score is above 0: C's FLT_MIN, which it begins the search for the maximum with.
    private const float SmallestNormal = 1.17549435e-38f;

    private readonly SentencePieceNormalizer _normalizer;
    private readonly PieceTrie _trie;
    private readonly double[] _scores;
    private readonly bool[] _isUserDefined;
    private readonly float _maxScore;
    private readonly float _unknownScore;
    private readonly int _unkId;
    private readonly int[]? _byteIds;

    /// <param name="model">A unigram model.</param>
    /// <param name="vocabulary">Its pieces.</param>
    /// <exception cref="AlpacaException">The model asks for something else; the message names file and setting.</exception>
    public UnigramEncoder(SentencePieceModel model, Vocabulary vocabulary)
    {
        ThrowIfUnsupported(model);
        var pieces = model.Pieces;
        var normal = pieces.Where(piece => piece.Type == SentencePieceType.Normal).Select(piece => piece.Score).DefaultIfEmpty(float.MaxValue).ToList();
        _maxScore = Math.Max(SmallestNormal, normal.Max());
        _unknownScore = normal.Min() - UnknownPenalty;
        _scores = [.. pieces.Select(piece => (double)piece.Score)];
        _isUserDefined = [.. pieces.Select(piece => piece.Type == SentencePieceType.UserDefined)];
        _unkId = vocabulary.UnkId;
        _byteIds = model.Trainer.ByteFallback ? vocabulary.ByteIds : null;
        _trie = TrieOf(SentencePieceType.Normal, SentencePieceType.UserDefined);
        _normalizer = new SentencePieceNormalizer(model.Normalizer, TrieOf(SentencePieceType.UserDefined), model.Name);

        PieceTrie TrieOf(params ReadOnlySpan<SentencePieceType> types)
        {
            var listed = new List<(byte[], int)>();
            for (var id = 0; id < pieces.Count; id++)
            {
                if (types.Contains(pieces[id].Type)) listed.Add((Encoding.UTF8.GetBytes(pieces[id].Text), id));
            }
            return new PieceTrie(listed);
        }
    }

    /// <summary>Encodes a text.</summary>
    /// <param name="text">The text; unpaired surrogates count as U+FFFD.</param>
    /// <param name="sink">Gets the tokens, in order.</param>
    public void Encode<TSink>(ReadOnlySpan<char> text, ref TSink sink) where TSink : struct, ITokenSink, allows ref struct
    {
        using var normalized = _normalizer.Normalize(text);
        if (normalized.Length == 0) return;
        var rented = ArrayPool<Step>.Shared.Rent(normalized.Length + 1);
        try
        {
            var steps = rented.AsSpan(0, normalized.Length + 1);
            FindBestPath(normalized.Bytes, steps);
            Write(normalized, steps, ref sink);
        }
        finally
        {
            ArrayPool<Step>.Shared.Return(rented);
        }
    }

    /// <summary>Finds the best way to every place in the text, then links the best way to its end.</summary>
    /// <param name="text">The normalised text, [n].</param>
    /// <param name="steps">Gets for each place the last step of the best way there, [n + 1].</param>
    private void FindBestPath(ReadOnlySpan<byte> text, Span<Step> steps)
    {
        steps.Fill(new Step { Start = Step.Unreached });
        steps[0].Score = 0;
        for (int start = 0, length; start < text.Length; start += length)
        {
            Rune.DecodeFromUtf8(text[start..], out _, out length);
            var (before, isKnown, node) = (steps[start].Score, false, PieceTrie.Root);
            for (var end = start; end < text.Length;)
            {
                node = _trie.Step(node, text[end++]);
                if (node == PieceTrie.None) break;
                var id = _trie.ValueAt(node);
                if (id == PieceTrie.None) continue;
                // In double, and rounded when it is kept: the conditional expression has that type in SentencePiece.
                var score = _isUserDefined[id] ? (end - start) * _maxScore - 0.1 : _scores[id];
                steps[end].Improve(score + before, start, id);
                isKnown |= end - start == length;
            }
            if (!isKnown) steps[start + length].Improve(_unknownScore + before, start, _unkId);
        }

        for (int end = text.Length, start; end > 0; end = start)
        {
            start = steps[end].Start;
            steps[start].Next = end;
        }
    }

    private void Write<TSink>(NormalizedText text, ReadOnlySpan<Step> steps, ref TSink sink) where TSink : struct, ITokenSink, allows ref struct
    {
        var origins = text.Origins;
        var afterUnknown = false;
        for (int start = 0, end; start < text.Length; start = end)
        {
            end = steps[start].Next;
            var id = steps[end].Id;
            if (id != _unkId) sink.Add(id, origins[start], origins[end]);
            else if (_byteIds is not null) WriteBytes(text, start, end, ref sink);
            else if (afterUnknown) sink.ExtendLast(origins[end]);
            else sink.Add(id, origins[start], origins[end]);
            afterUnknown = id == _unkId;
        }
    }

    private void WriteBytes<TSink>(NormalizedText text, int start, int end, ref TSink sink) where TSink : struct, ITokenSink, allows ref struct
    {
        var origin = text.Origins[start];
        for (var i = start; i < end; i++) sink.Add(_byteIds![text.Bytes[i]], origin, i == end - 1 ? text.Origins[end] : origin);
    }

    private static void ThrowIfUnsupported(SentencePieceModel model)
    {
        var problems = new List<string>();
        if (model.Trainer.ModelType != SentencePieceModelType.Unigram) problems.Add($"its model type is {model.Trainer.ModelType}, not Unigram");
        if (model.Trainer.TreatWhitespaceAsSuffix) problems.Add("its words end with the space mark");
        if (!model.Normalizer.EscapeWhitespaces) problems.Add("it does not escape spaces");
        if (model.HasDenormalizer) problems.Add("it denormalises decoded text");
        if (problems.Count > 0)
            throw new AlpacaException($"{model.Name} cannot tokenize here: {string.Join(", ", problems)}; use a unigram model as SentencePiece trains it by default.");
    }

    /// <summary>The last piece of the best way to a place.</summary>
    private struct Step
    {
        public const int Unreached = -1;

        public int Id;
        public int Start;
        public int Next;
        public float Score;

        public void Improve(double score, int start, int id)
        {
            if (Start != Unreached && !(score > Score)) return;
            (Id, Start, Score) = (id, start, (float)score);
        }
    }
}
