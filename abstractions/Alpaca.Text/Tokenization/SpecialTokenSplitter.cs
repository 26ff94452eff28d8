using System.Buffers;

namespace Alpaca.Text;

/// <summary>Finds the texts of special and added tokens in a text, the leftmost first, the longest of those that begin at one place.</summary>
internal sealed class SpecialTokenSplitter
{
    private readonly SpecialToken[] _longestFirst;
    private readonly SearchValues<string> _contents;

    public SpecialTokenSplitter(IEnumerable<SpecialToken> tokens)
    {
        _longestFirst = [.. tokens.OrderByDescending(token => token.Content.Length)];
        _contents = SearchValues.Create([.. _longestFirst.Select(token => token.Content)], StringComparison.Ordinal);
    }

    /// <summary>A stretch of text, or a token.</summary>
    public readonly record struct Part(string Text, SpecialToken? Special);

    /// <summary>Splits a text; stretches that are empty, or all space where a token strips it, are left out.</summary>
    public List<Part> Split(string text)
    {
        var parts = new List<Part>();
        SpecialToken? before = null;
        for (var position = 0; ;)
        {
            var offset = text.AsSpan(position).IndexOfAny(_contents);
            var end = offset < 0 ? text.Length : position + offset;
            var token = offset < 0 ? null : _longestFirst.First(candidate => text.AsSpan(end).StartsWith(candidate.Content, StringComparison.Ordinal));

            var stretch = text.AsSpan(position, end - position);
            if (before is { StripsRight: true }) stretch = stretch.TrimStart();
            if (token is { StripsLeft: true }) stretch = stretch.TrimEnd();
            if (!stretch.IsEmpty) parts.Add(new Part(stretch.ToString(), null));
            if (token is null) return parts;

            parts.Add(new Part(token.Content, token));
            before = token;
            position = end + token.Content.Length;
        }
    }
}
