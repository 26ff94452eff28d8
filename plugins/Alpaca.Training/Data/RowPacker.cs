using Alpaca.Text;

namespace Alpaca.Training;

/// <summary>Puts several samples into one row, best fit decreasing.</summary>
internal static class RowPacker
{
    /// <summary>Packs the samples.</summary>
    /// <param name="samples">The samples.</param>
    /// <param name="capacity">Places in a row; no sample needs more.</param>
    /// <returns>Rows in the order of the earliest sample in each; within a row, samples keep the order of the data.</returns>
    public static IReadOnlyList<TrainingRow> Pack(IReadOnlyList<SupervisedExample> samples, int capacity)
    {
        // openRows[f] are the rows with f free places; the set holds the f that have any.
        var openRows = new Dictionary<int, Stack<List<int>>>();
        var freePlaces = new SortedSet<int>();
        var rows = new List<List<int>>();
        var longestFirst = Enumerable.Range(0, samples.Count).OrderByDescending(i => samples[i].InputIds.Length);
        foreach (var index in longestFirst)
        {
            var length = samples[index].InputIds.Length - 1;
            List<int> row;
            int free;
            if (freePlaces.GetViewBetween(length, capacity).Min is var tightest and > 0)
            {
                free = tightest;
                row = openRows[free].Pop();
                if (openRows[free].Count == 0) freePlaces.Remove(free);
            }
            else
            {
                free = capacity;
                rows.Add(row = []);
            }

            row.Add(index);
            free -= length;
            if (free == 0) continue;
            if (!openRows.TryGetValue(free, out var stack)) openRows[free] = stack = new Stack<List<int>>();
            stack.Push(row);
            freePlaces.Add(free);
        }

        foreach (var row in rows) row.Sort();
        return [.. rows.OrderBy(row => row[0]).Select(row => new TrainingRow([.. row.Select(i => samples[i])]))];
    }
}
