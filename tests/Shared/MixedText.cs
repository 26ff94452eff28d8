using System.Text;

namespace Alpaca.TestSupport;

/// <summary>Short texts of CJK, emoji of several code points, combining marks and ASCII in any order, none with U+FFFD. The same seed gives the same texts.</summary>
internal sealed class MixedText(int seed)
{
    // ZWJ sequences, skin tones, flags (a tag sequence among them), keycaps, variation selectors.
    private static readonly string[] Emoji =
    [
        "😀", "🎉", "👩\u200d👩\u200d👧\u200d👦", "🧑🏿\u200d🚀", "🏳\ufe0f\u200d🌈", "👍🏽", "👋🏻", "🇨🇳", "🇫🇷🇨🇭", "🏴\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f", "1\ufe0f\u20e3", "#\ufe0f\u20e3", "❤\ufe0f", "☃", "⛄",
    ];

    private static readonly string[] Words = ["the", "Hello, ", "answer", " ", "  ", "\n", "###", "###Instruction:", "User:", "</s", "x", "0", "42", ". ", "{\"a\": 1}", "é", "ß"];

    private static readonly string[] Chinese = ["为什么要减少污染", "保护环境", "白日依山尽", "黄河入海流", "。", "，", "饕餮", "𠮷", "𰻝", "㍿", "か\u3099", "한국어", "각"];

    private readonly Random _random = new(seed);

    /// <summary>The next text, of one to ten parts.</summary>
    public string Next()
    {
        var text = new StringBuilder();
        for (var parts = _random.Next(1, 11); parts > 0; parts--)
        {
            switch (_random.Next(8))
            {
                case 0 or 1: text.Append(Any(Emoji)); break;
                case 2: text.Append(Any(Words)); break;
                case 3 or 4: text.Append(Any(Chinese)); break;
                case 5: text.Append((char)_random.Next(0x4E00, 0xA000)); break;
                case 6: text.Append(new Rune(_random.Next(0x1F300, 0x1FB00))); break;
                default:
                    text.Append((char)_random.Next('a', 'z' + 1));
                    for (var marks = _random.Next(1, 4); marks > 0; marks--) text.Append((char)_random.Next(0x300, 0x370));
                    break;
            }
        }

        return text.ToString();
    }

    /// <summary>Up to three texts to stop at: parts of a text, cut between any two code points, and others that only begin like one.</summary>
    public string[] NextStops(string text)
    {
        var runes = text.EnumerateRunes().Select(rune => rune.ToString()).ToList();
        var stops = new string[_random.Next(4)];
        for (var i = 0; i < stops.Length; i++)
        {
            stops[i] = string.Concat(runes.Skip(_random.Next(runes.Count)).Take(_random.Next(1, 8)));
            if (_random.Next(2) == 0) stops[i] += Any(Words);
        }

        return stops;
    }

    private string Any(string[] values) => values[_random.Next(values.Length)];
}
