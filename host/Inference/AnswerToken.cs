using System.Text;
using Alpaca.Abstractions;
using Alpaca.Text;

namespace Alpaca.Host;

/// <summary>A token of an answer with its text.</summary>
public sealed class AnswerToken
{
    private readonly ModelTokenizer? _tokenizer;
    private readonly ReadOnlyMemory<TokenLogProbability> _alternatives;
    private readonly bool _beginsText;

    internal AnswerToken(ModelTokenizer? tokenizer, int id, float logProbability, ReadOnlyMemory<TokenLogProbability> alternatives = default, bool beginsText = false)
        => (_tokenizer, Id, LogProbability, _alternatives, _beginsText) = (tokenizer, id, logProbability, alternatives, beginsText);

    /// <summary>Its id.</summary>
    public int Id { get; }

    /// <summary>Natural logarithm of its probability under the unmodified distribution; at most 0, and -∞ for what cannot be said.</summary>
    public float LogProbability { get; }

    /// <summary>What it adds to the text, in UTF-8: perhaps only some bytes of a character. Empty for special tokens and for a model without a tokenizer.</summary>
    public ReadOnlyMemory<byte> Bytes
    {
        get
        {
            if (!IsKnown) return default;
            var bytes = _tokenizer!.BytesOf(Id);
            // SentencePiece's mark before the first word is not part of the text.
            return _beginsText && bytes.Span is [(byte)' ', ..] ? bytes[1..] : bytes;
        }
    }

    /// <summary>Its text: of bytes that are no whole characters, with U+FFFD for them; of a special token, its name.</summary>
    public string Text
    {
        get
        {
            if (!IsKnown) return "";
            return _tokenizer!.BytesOf(Id).IsEmpty ? _tokenizer.PieceOf(Id) ?? "" : Encoding.UTF8.GetString(Bytes.Span);
        }
    }

    /// <summary>The most probable tokens in its place, best first; as many as <see cref="GenerationOptions.TopLogProbabilities"/> asks for.</summary>
    public IReadOnlyList<AnswerToken> Alternatives
    {
        get
        {
            var alternatives = new AnswerToken[_alternatives.Length];
            for (var i = 0; i < alternatives.Length; i++)
                alternatives[i] = new AnswerToken(_tokenizer, _alternatives.Span[i].Id, _alternatives.Span[i].LogProbability, beginsText: _beginsText);
            return alternatives;
        }
    }

    // A model's embedding may have more rows than its tokenizer has tokens.
    private bool IsKnown => _tokenizer is not null && Id < _tokenizer.VocabularySize;
}
