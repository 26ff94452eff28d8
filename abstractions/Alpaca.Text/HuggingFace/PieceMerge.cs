using System.Text;

namespace Alpaca.Text;

/// <summary>One way in which two pieces of a vocabulary become a third.</summary>
/// <param name="Left">The id of the left part.</param>
/// <param name="Right">The id of the right part.</param>
/// <param name="Result">The id of what they become.</param>
internal readonly record struct PieceMerge(int Left, int Right, int Result)
{
    /// <summary>Lists all ways to put the pieces of a model together, by score and then in the order of the ids of the parts.</summary>
    public static List<PieceMerge> AllOf(SentencePieceModel model, Vocabulary vocabulary)
    {
        var lookup = vocabulary.TextualLookup;
        var merges = new List<PieceMerge>(model.Pieces.Count * 2);
        for (var id = 0; id < model.Pieces.Count; id++)
        {
            if (!Vocabulary.IsTextual(model.Pieces[id].Type)) continue;
            var text = model.Pieces[id].Text.AsSpan();
            foreach (var cut in Cuts(model.Pieces[id].Text))
            {
                if (lookup.TryGetValue(text[..cut], out var left) && lookup.TryGetValue(text[cut..], out var right)) merges.Add(new PieceMerge(left, right, id));
            }
        }
        merges.Sort((a, b) =>
        {
            var order = model.Pieces[b.Result].Score.CompareTo(model.Pieces[a.Result].Score);
            if (order == 0) order = a.Left.CompareTo(b.Left);
            return order != 0 ? order : a.Right.CompareTo(b.Right);
        });
        return merges;
    }

    /// <summary>The places between the characters of a text, as indexes of UTF-16 code units.</summary>
    public static IEnumerable<int> Cuts(string text)
    {
        for (var at = 0; at < text.Length;)
        {
            at += Rune.TryGetRuneAt(text, at, out var rune) ? rune.Utf16SequenceLength : 1;
            if (at < text.Length) yield return at;
        }
    }
}
