namespace Alpaca.Text;

/// <summary>Tells pieces that text can become from those that only fill the vocabulary.</summary>
public static class PieceReachability
{
    /// <summary>Finds pieces that do not come out when their own text is encoded: no sequence of merges leads there, or others come first.</summary>
    /// <param name="model">A byte-pair model.</param>
    /// <param name="firstId">Where to begin; ids before it are not looked at. The default is 0: all pieces.</param>
    /// <returns>The ids, ascending. Control, unknown and byte pieces are never among them.</returns>
    /// <exception cref="Abstractions.AlpacaException">The pieces contradict each other.</exception>
    public static IReadOnlyList<int> FindUnreachable(SentencePieceModel model, int firstId = 0)
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentOutOfRangeException.ThrowIfNegative(firstId);
        var pieces = new Vocabulary(model).TextualLookup;
        return [.. Enumerable.Range(firstId, Math.Max(0, model.Pieces.Count - firstId)).Where(id => model.Pieces[id].Type == SentencePieceType.Normal && !ComesOutWhole(model.Pieces[id].Text))];

        bool ComesOutWhole(string text)
        {
            var ends = PieceMerge.Cuts(text).Append(text.Length).ToList();
            while (ends.Count > 1)
            {
                var (best, at) = (float.NegativeInfinity, -1);
                for (var i = 0; i + 1 < ends.Count; i++)
                {
                    var start = i == 0 ? 0 : ends[i - 1];
                    if (pieces.TryGetValue(text.AsSpan(start..ends[i + 1]), out var id) && model.Pieces[id].Score > best) (best, at) = (model.Pieces[id].Score, i);
                }
                if (at < 0) return false;
                ends.RemoveAt(at);
            }
            return true;
        }
    }
}
