using System.Text;

namespace Alpaca.Text.Tests;

/// <summary>Texts that tokenizers get wrong: pieces of the vocabulary next to anything else that Unicode has, in any order. The same seed gives the same texts.</summary>
internal sealed class NastyText(int seed, IReadOnlyList<string> pieces)
{
    private static readonly string[] Oddities =
    [
        "▁", "▁▁", "<0x0A>", "<0xE4>", "<0x00>", "<s>", "</s>", "<unk>", "<pad>", "[PAD]", "<sep>", "<|eot_id|>", "<|begin_of_text|>", "\0", "\ufffd", "\ufffe", "\uffff", "\ufeff",
        "\u200b", "\u200d", "\u00a0", "\u3000", "\u2028", "\u0085", "\u00ad", "\r\n", "\n", "\t", "\x1b", "\x7f", "☃", "é", "e\u0301", "ﷺ", "㍿", "ﬁ", "ｶﾞ", "ß", "ſ", "'ſ", "'S", "'ll", "'VE", "İ",
        "\ud800", "\udfff", "\ud83d", "👩\u200d👩\u200d👧\u200d👦", "🇨🇳", "👍🏽", "\U0010ffff", "𠮷", "𝐀", "𝟘", "Ⅷ", "½", "٣", "क्षि", "　", "。", "，", "a\u0300\u0301\u0302",
    ];

    private readonly Random _random = new(seed);

    public string Next()
    {
        var text = new StringBuilder();
        for (var parts = _random.Next(0, 14); parts > 0; parts--) AppendPart(text);
        return text.ToString();
    }

    private void AppendPart(StringBuilder text)
    {
        switch (_random.Next(14))
        {
            case < 5: text.Append(pieces[_random.Next(pieces.Count)].Replace(_random.Next(8) == 0 ? '\0' : '▁', ' ')); break;
            case 5: text.Append(' ', _random.Next(1, 4)); break;
            case 6: text.Append(Oddities[_random.Next(Oddities.Length)]); break;
            case 7: text.Append((char)_random.Next(0x4E00, 0xA000)); break;
            case 8: text.Append((char)_random.Next(0x20, 0x7F)); break;
            case 9: text.Append((char)_random.Next(0, 0x20)).Append((char)_random.Next(0x7F, 0xA0)); break;
            case 10: text.Append((char)_random.Next(0x300, 0x370)); break;
            case 11: text.Append((char)_random.Next(0, 0x10000)); break; // surrogates without partner among them
            case 12: text.Append(char.ConvertFromUtf32(_random.Next(0x10000, 0x110000))); break;
            default: text.Insert(text.Length, pieces[_random.Next(pieces.Count)], _random.Next(1, 9)); break;
        }
    }

    public int[] NextIds(int vocabularySize)
    {
        var ids = new int[_random.Next(0, 14)];
        for (var i = 0; i < ids.Length; i++) ids[i] = _random.Next(3) == 0 ? _random.Next(Math.Min(vocabularySize, 300)) : _random.Next(vocabularySize);
        return ids;
    }
}
