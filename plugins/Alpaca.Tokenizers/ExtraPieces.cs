using System.Globalization;
using System.Text;
using Alpaca.Abstractions;

namespace Alpaca.Tokenizers;

/// <summary>The pieces that a person adds by hand.</summary>
internal static class ExtraPieces
{
    // SentencePiece makes pieces of up to 16 characters; a merge of more than a few words helps no text.
    private const int MaxCharacters = 128;

    /// <summary>Gathers the pieces of both options.</summary>
    /// <param name="request">The request.</param>
    /// <param name="problems">Gets what is wrong with them.</param>
    public static IReadOnlyList<string> Read(MergeTokenizersRequest request, ICollection<string> problems)
    {
        var pieces = new List<string>();
        var places = new Dictionary<string, string>(StringComparer.Ordinal);
        for (var i = 0; i < request.ExtraPieces.Count; i++) Add(request.ExtraPieces[i], $"ExtraPieces, entry {i + 1}");
        if (request.ExtraPiecesFile is { } file && ReadText(file, problems) is { } text)
        {
            var lines = text.ReplaceLineEndings("\n").Split('\n');
            // The line break that ends the last line begins no other.
            var count = lines[^1].Length == 0 ? lines.Length - 1 : lines.Length;
            if (count == 0) problems.Add($"{file} is empty; write one piece a line or leave ExtraPiecesFile out.");
            for (var i = 0; i < count; i++) Add(lines[i], $"{file}, line {i + 1}");
        }
        return pieces;

        void Add(string piece, string place)
        {
            if (Fault(piece) is { } fault) problems.Add($"{place}: {fault}.");
            else if (!places.TryAdd(piece, place)) problems.Add($"{place}: the piece '{piece}' is in {places[piece]} already; remove one of them.");
            else pieces.Add(piece);
        }
    }

    /// <summary>Reads a UTF-8 text, or tells why not.</summary>
    public static string? ReadText(string file, ICollection<string> problems)
    {
        try
        {
            return new UTF8Encoding(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true).GetString(File.ReadAllBytes(file)).TrimStart('\uFEFF');
        }
        catch (DecoderFallbackException)
        {
            problems.Add($"{file} is not UTF-8; save it as UTF-8.");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            problems.Add($"{file} cannot be read ({e.Message}); name a text file.");
        }
        return null;
    }

    private static string? Fault(string piece)
    {
        if (piece.Length == 0) return "the piece is empty; write a text or remove it";
        if (new StringInfo(piece).LengthInTextElements > MaxCharacters) return $"the piece has more than {MaxCharacters} characters; shorten it";
        if (piece.Contains(' ', StringComparison.Ordinal)) return $"the piece '{piece}' has a space in it; write ▁ for a space";
        var position = 0;
        foreach (var rune in piece.EnumerateRunes())
        {
            if (Rune.IsControl(rune)) return $"the piece has the control character U+{rune.Value:X4}; remove it";
            if (rune == Rune.ReplacementChar && piece[position] != '\uFFFD') return "the piece has half of a surrogate pair; remove it";
            position += rune.Utf16SequenceLength;
        }
        return null;
    }
}
