using System.Text;
using System.Text.RegularExpressions;

namespace Alpaca.Text;

/// <summary>A part of a conversation as ids.</summary>
/// <param name="Ids">The ids.</param>
/// <param name="IsAnswer">Whether the model writes this itself, so that it is what training teaches.</param>
public readonly record struct EncodedPart(IReadOnlyList<int> Ids, bool IsAnswer);

/// <summary>What a stretch of a written conversation is.</summary>
internal enum PromptSegmentKind
{
    /// <summary>Ordinary text of the prompt.</summary>
    Text,

    /// <summary>A special token of the prompt.</summary>
    Token,

    /// <summary>What the model said.</summary>
    Answer,

    /// <summary>The special token after it.</summary>
    AnswerEnd,
}

/// <summary>A stretch of a written conversation that is encoded by itself.</summary>
internal readonly record struct PromptSegment(PromptSegmentKind Kind, string Text)
{
    /// <summary>Stands for the tokenizer's beginning of sequence.</summary>
    public const string BeginOfSequence = "<s>";

    /// <summary>Stands for the tokenizer's end of sequence.</summary>
    public const string EndOfSequence = "</s>";
}

/// <summary>Writes a conversation down as segments. Special tokens are recognised in the template's own strings and nowhere else.</summary>
internal sealed partial class PromptWriter
{
    private readonly List<PromptSegment> _segments = [];
    private readonly StringBuilder _text = new();

    /// <summary>Writes a string of the template.</summary>
    public void Template(string text)
    {
        var position = 0;
        foreach (var token in SpecialToken().EnumerateMatches(text))
        {
            _text.Append(text, position, token.Index - position);
            EndText();
            position = token.Index + token.Length;
            _segments.Add(new PromptSegment(PromptSegmentKind.Token, text[token.Index..position]));
        }
        _text.Append(text, position, text.Length - position);
    }

    /// <summary>Writes what a person said, every character of which is text.</summary>
    public void Text(string text) => _text.Append(text);

    /// <summary>Writes what the model said, and the token that ends it.</summary>
    public void Answer(string text, string end)
    {
        EndText();
        _segments.Add(new PromptSegment(PromptSegmentKind.Answer, text));
        _segments.Add(new PromptSegment(PromptSegmentKind.AnswerEnd, end));
    }

    public List<PromptSegment> End()
    {
        EndText();
        return _segments;
    }

    private void EndText()
    {
        if (_text.Length > 0) _segments.Add(new PromptSegment(PromptSegmentKind.Text, _text.ToString()));
        _text.Clear();
    }

    [GeneratedRegex(@"</?s>|<\|[a-z_]+\|>")]
    public static partial Regex SpecialToken();
}
