namespace Alpaca.Evaluation;

/// <summary>Tells whether an answer goes round in circles, as the answers of damaged or badly trained models do.</summary>
internal static class TokenLoop
{
    private const int Gram = 4;
    private const int MaxInARow = 4;
    private const int LongAnswer = 32;
    private const double MinDistinct = 0.3;

    /// <summary>Whether a stretch of at least 4 tokens comes more than 4 times in a row, or, in an answer of more than 32 tokens, fewer than 0.3 of its runs of 4 tokens are distinct.</summary>
    /// <param name="ids">The answer's tokens.</param>
    public static bool IsIn(IReadOnlyList<int> ids) => RepeatsInARow(ids) || (ids.Count > LongAnswer && DistinctShare(ids) < MinDistinct);

    private static bool RepeatsInARow(IReadOnlyList<int> ids)
    {
        for (var period = Gram; period * (MaxInARow + 1) <= ids.Count; period++)
        {
            var run = 0; // tokens in a row that are the same as a period before
            for (var i = period; i < ids.Count; i++)
            {
                run = ids[i] == ids[i - period] ? run + 1 : 0;
                if (run >= period * MaxInARow) return true;
            }
        }

        return false;
    }

    private static double DistinctShare(IReadOnlyList<int> ids)
    {
        var grams = ids.Count - Gram + 1;
        return (double)Enumerable.Range(0, grams).Select(i => (ids[i], ids[i + 1], ids[i + 2], ids[i + 3])).Distinct().Count() / grams;
    }
}
