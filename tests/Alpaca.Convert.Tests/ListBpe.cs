using System.Text;
using System.Text.Json;
using System.Text.RegularExpressions;

namespace Alpaca.Convert.Tests;

/// <summary>Byte-pair encoding by a list of merges, as Hugging Face's tokenizers do it, from a <c>tokenizer.json</c>.</summary>
internal sealed class ListBpe
{
    private readonly Dictionary<string, int> _vocabulary;
    private readonly Dictionary<(string, string), int> _merges;
    private readonly Regex _words;
    private readonly char[] _alphabet;

    private ListBpe(JsonElement json)
    {
        var model = json.GetProperty("model");
        _vocabulary = model.GetProperty("vocab").EnumerateObject().ToDictionary(p => p.Name, p => p.Value.GetInt32());
        _merges = model.GetProperty("merges").EnumerateArray().Select((merge, i) => (Parts: merge.GetString()!.Split(' '), i)).ToDictionary(m => (m.Parts[0], m.Parts[1]), m => m.i);
        _words = new Regex(json.GetProperty("pre_tokenizer").GetProperty("pretokenizers")[0].GetProperty("pattern").GetProperty("Regex").GetString()!);

        // GPT-2's bytes_to_unicode, as it is written there: the printable ones first, the others after them.
        List<int> bytes = [.. Enumerable.Range('!', '~' - '!' + 1), .. Enumerable.Range(0xA1, 0xAC - 0xA1 + 1), .. Enumerable.Range(0xAE, 0xFF - 0xAE + 1)];
        _alphabet = new char[256];
        bytes.ForEach(b => _alphabet[b] = (char)b);
        var others = Enumerable.Range(0, 256).Except(bytes).ToList();
        others.ForEach(b => _alphabet[b] = (char)(256 + others.IndexOf(b)));
    }

    public static ListBpe Load(string path)
    {
        using var document = JsonDocument.Parse(File.ReadAllBytes(path));
        return new ListBpe(document.RootElement);
    }

    public IReadOnlyList<int> EncodeText(string text)
    {
        var words = _words.Matches(text);
        words.Sum(w => w.Length).Should().Be(text.Length, "the pattern leaves nothing out");
        return [.. words.SelectMany(w => Encode(Encoding.UTF8.GetBytes(w.Value)))];
    }

    public IReadOnlyList<int> Encode(byte[] word)
    {
        var characters = string.Concat(word.Select(b => _alphabet[b]));
        // ignore_merges
        if (_vocabulary.TryGetValue(characters, out var whole))
        {
            return [whole];
        }

        List<string> parts = [.. characters.Select(c => c.ToString())];
        while (true)
        {
            var best = Enumerable.Range(0, Math.Max(0, parts.Count - 1)).Select(i => (Order: _merges.GetValueOrDefault((parts[i], parts[i + 1]), int.MaxValue), i: i)).DefaultIfEmpty((Order: int.MaxValue, i: 0)).Min();
            if (best.Order == int.MaxValue)
            {
                return [.. parts.Select(part => _vocabulary[part])];
            }

            parts[best.i] += parts[best.i + 1];
            parts.RemoveAt(best.i + 1);
        }
    }
}
