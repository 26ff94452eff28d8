using System.Globalization;
using System.Text;

namespace Alpaca.Text.Tests;

/// <summary>Byte-pair encoding as it is defined: join the best pair of the whole text, the leftmost of equals, until there is none.</summary>
internal static class ReferenceBpe
{
    public static List<int> Encode(SentencePieceModel model, string text)
    {
        if (text.Length == 0) return [];
        var pieces = model.Pieces.Select((piece, id) => (piece, id)).Where(p => p.piece.Type == SentencePieceType.Normal).ToDictionary(p => p.piece.Text, p => p.id);
        var symbols = ("▁" + text.Replace(' ', '▁')).EnumerateRunes().Select(rune => rune.ToString()).ToList();
        while (true)
        {
            var best = -1;
            for (var i = 0; i + 1 < symbols.Count; i++)
            {
                if (Score(i) is { } score && (best < 0 || score > Score(best))) best = i;
            }
            if (best < 0) break;
            symbols[best] += symbols[best + 1];
            symbols.RemoveAt(best + 1);
        }
        return [.. symbols.SelectMany(symbol => pieces.TryGetValue(symbol, out var id) ? [id] : Bytes(symbol))];

        float? Score(int i) => pieces.TryGetValue(symbols[i] + symbols[i + 1], out var id) ? model.Pieces[id].Score : null;

        IEnumerable<int> Bytes(string symbol) => Encoding.UTF8.GetBytes(symbol).Select(
            value => model.Pieces.TakeWhile(piece => piece.Text != $"<0x{value.ToString("X2", CultureInfo.InvariantCulture)}>").Count());
    }
}
