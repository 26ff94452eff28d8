using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.RegularExpressions;

namespace Alpaca.Tokenizers.Tests;

/// <summary>What a client makes of a <c>tokenizer.json</c> of LLaMA's kind, special tokens aside: splits by the pattern, merges the pair of lowest rank, falls back to bytes.</summary>
internal sealed class RankedBpe
{
    private readonly Dictionary<string, int> _ids;
    private readonly Dictionary<(string Left, string Right), int> _ranks = [];
    private readonly Regex? _pattern;
    private readonly bool _prepends;

    public RankedBpe(byte[] tokenizerJson)
    {
        using var json = JsonDocument.Parse(tokenizerJson);
        var model = json.RootElement.GetProperty("model");
        _ids = model.GetProperty("vocab").EnumerateObject().ToDictionary(entry => entry.Name, entry => entry.Value.GetInt32(), StringComparer.Ordinal);
        foreach (var merge in model.GetProperty("merges").EnumerateArray())
        {
            var parts = merge.GetString()!.Split(' ');
            _ranks.Add((parts[0], parts[1]), _ranks.Count);
        }
        if (json.RootElement.GetProperty("pre_tokenizer") is { ValueKind: JsonValueKind.Object } split)
            _pattern = new Regex(split.GetProperty("pattern").GetProperty("Regex").GetString()!, RegexOptions.CultureInvariant);
        _prepends = json.RootElement.GetProperty("normalizer").GetProperty("normalizers").EnumerateArray().Any(part => part.GetProperty("type").GetString() == "Prepend");
    }

    public bool HasPattern => _pattern is not null;

    public List<int> Encode(string text)
    {
        if (text.Length == 0) return [];
        var normalized = (_prepends ? "▁" : "") + text.Replace(' ', '▁');
        var ids = new List<int>();
        var end = 0;
        foreach (Match match in _pattern?.Matches(normalized) ?? Enumerable.Empty<Match>())
        {
            Merge(normalized[end..match.Index], ids);
            Merge(match.Value, ids);
            end = match.Index + match.Length;
        }
        Merge(normalized[end..], ids);
        return ids;
    }

    private void Merge(string part, List<int> ids)
    {
        var symbols = part.EnumerateRunes().Select(rune => rune.ToString()).ToList();
        while (true)
        {
            var (best, at) = (int.MaxValue, -1);
            for (var i = 0; i + 1 < symbols.Count; i++)
            {
                if (_ranks.TryGetValue((symbols[i], symbols[i + 1]), out var rank) && rank < best) (best, at) = (rank, i);
            }
            if (at < 0) break;
            symbols[at] += symbols[at + 1];
            symbols.RemoveAt(at + 1);
        }
        foreach (var symbol in symbols)
        {
            if (_ids.TryGetValue(symbol, out var id)) ids.Add(id);
            else ids.AddRange(Encoding.UTF8.GetBytes(symbol).Select(value => _ids[string.Create(CultureInfo.InvariantCulture, $"<0x{value:X2}>")]));
        }
    }
}
