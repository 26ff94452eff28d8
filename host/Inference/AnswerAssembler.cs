using System.Text;
using Alpaca.Abstractions;
using Alpaca.Text;

namespace Alpaca.Host;

/// <summary>Puts the text of an answer together, token by token, up to a stop string.</summary>
/// <param name="tokenizer">The tokenizer; <see langword="null"/> for a model that is only fed ids.</param>
/// <param name="stopStrings">Texts that end the answer.</param>
internal sealed class AnswerAssembler(ModelTokenizer? tokenizer, IReadOnlyList<string> stopStrings)
{
    private readonly StreamingDecoder? _decoder = tokenizer is null ? null : new StreamingDecoder(tokenizer);
    private readonly StopStrings _stops = new(stopStrings);
    private readonly Queue<(AnswerToken Token, long End)> _waiting = []; // End: where its text ends, in characters of the answer
    private readonly List<AnswerToken> _unfinished = []; // their characters are not complete yet
    private long _decoded;
    private long _given;
    private bool _hasBegun;

    /// <summary>Whether a stop string has occurred.</summary>
    public bool IsStopped => _stops.Found;

    /// <summary>Takes a token.</summary>
    /// <returns>What can be given out by now; <see langword="null"/> if that is nothing.</returns>
    public AnswerPiece? Append(GeneratedToken token)
    {
        if (_decoder is null) return new AnswerPiece("", [Describe(token, beginsText: false)]);
        // A model's embedding may have more rows than its tokenizer has tokens.
        var isKnown = token.Id < tokenizer!.VocabularySize;
        var decoded = isKnown ? _decoder.Append(token.Id) : "";
        var bytes = isKnown ? tokenizer.BytesOf(token.Id) : default;
        var keepsSpace = bytes.Span is [(byte)' ', ..] && decoded.Length == Encoding.UTF8.GetCharCount(bytes.Span);
        _unfinished.Add(Describe(token, beginsText: !_hasBegun && tokenizer is SentencePieceTokenizer && !keepsSpace));
        _hasBegun = _hasBegun || decoded.Length > 0 || !bytes.IsEmpty;
        return Give(decoded, isEnd: false);
    }

    /// <summary>Takes the end of the answer. Of a character that it cuts short the tokens come, but no text.</summary>
    public AnswerPiece? End() => _decoder is null ? null : Give("", isEnd: true);

    private AnswerToken Describe(GeneratedToken token, bool beginsText) => new(tokenizer, token.Id, token.LogProbability, token.Alternatives, beginsText);

    private AnswerPiece? Give(string decoded, bool isEnd)
    {
        _decoded += decoded.Length;
        if (decoded.Length > 0 || isEnd)
        {
            // A token that ends in the middle of a character waits for the rest, though it may have finished another.
            var finished = _decoder!.IsComplete || isEnd ? _unfinished.Count : _unfinished.Count - 1;
            foreach (var token in _unfinished.Take(finished)) _waiting.Enqueue((token, _decoded));
            _unfinished.RemoveRange(0, finished);
        }

        var text = _stops.Append(decoded);
        if (isEnd && !_stops.Found) text += _stops.Flush();
        _given += text.Length;
        if (text.Length == 0 && !isEnd) return null;

        var tokens = new List<AnswerToken>();
        while (_waiting.TryPeek(out var next) && next.End <= _given)
        {
            _waiting.Dequeue();
            tokens.Add(next.Token);
        }

        return text.Length > 0 || tokens.Count > 0 ? new AnswerPiece(text, tokens) : null;
    }
}
