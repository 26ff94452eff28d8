using System.Text;
using Alpaca.Abstractions;

namespace Alpaca.Evaluation;

/// <summary>Tells which script a text is in, by its letters.</summary>
internal static class TextScript
{
    private const double MinShare = 0.5;

    /// <summary>Whether a text is in a script: at least half of its letters are. A text without letters is in every script if it has a digit (<c>42</c>), and in none otherwise.</summary>
    /// <param name="text">The text.</param>
    /// <param name="script"><see cref="AnswerScript.Han"/>, <see cref="AnswerScript.Latin"/> or <see cref="AnswerScript.Any"/>.</param>
    public static bool IsIn(string text, AnswerScript script)
    {
        var counts = Count(text);
        if (counts.Letters == 0) return counts.HasDigit;
        return script switch
        {
            AnswerScript.Han => counts.Han >= MinShare * counts.Letters,
            AnswerScript.Latin => counts.Latin >= MinShare * counts.Letters,
            AnswerScript.Any => true,
            _ => throw new ArgumentOutOfRangeException(nameof(script), script, "A text is in a script of its own."),
        };
    }

    /// <summary>The script that more than half of a text's letters are in; <see langword="null"/> where there is no such one, or none of those known.</summary>
    public static AnswerScript? Of(string text)
    {
        var counts = Count(text);
        return 2 * counts.Han > counts.Letters ? AnswerScript.Han : 2 * counts.Latin > counts.Letters ? AnswerScript.Latin : null;
    }

    /// <summary>The script that most of the texts are in; <see cref="AnswerScript.Any"/> where none is told by its letters, or as many are in one as in the other.</summary>
    public static AnswerScript OfMost(IEnumerable<string> texts)
    {
        var scripts = texts.Select(Of).ToList();
        var (han, latin) = (scripts.Count(s => s == AnswerScript.Han), scripts.Count(s => s == AnswerScript.Latin));
        return han > latin ? AnswerScript.Han : latin > han ? AnswerScript.Latin : AnswerScript.Any;
    }

    private static (int Letters, int Han, int Latin, bool HasDigit) Count(string text)
    {
        var (letters, han, latin, hasDigit) = (0, 0, 0, false);
        foreach (var rune in text.EnumerateRunes())
        {
            hasDigit |= Rune.IsNumber(rune);
            if (!Rune.IsLetter(rune)) continue;
            letters++;
            if (IsHan(rune.Value)) han++;
            else if (IsLatin(rune.Value)) latin++;
        }

        return (letters, han, latin, hasDigit);
    }

    private static bool IsHan(int c) => c is 0x3005 // 々
        or >= 0x3400 and <= 0x4DBF or >= 0x4E00 and <= 0x9FFF or >= 0xF900 and <= 0xFAFF or >= 0x20000 and <= 0x323AF;

    private static bool IsLatin(int c) => c is <= 0x02AF or >= 0x1E00 and <= 0x1EFF or >= 0x2C60 and <= 0x2C7F or >= 0xA720 and <= 0xA7FF or >= 0xAB30 and <= 0xAB64 or >= 0xFF21 and <= 0xFF5A;
}
