namespace Alpaca.Text;

/// <summary>Room that samplers need while they choose, as large as the vocabulary. Samplers on one thread share it.</summary>
internal sealed class SamplingBuffers
{
    private float[] _scores = [];
    private float[] _weights = [];
    private int[] _marks = [];
    private int _mark;

    /// <summary>Finds the best.</summary>
    public TopScores Top { get; } = new();

    /// <summary>Draws with top-p among all.</summary>
    public Nucleus Nucleus { get; } = new();

    public Span<float> Scores(int count) => Room(ref _scores, count);

    public Span<float> Weights(int count) => Room(ref _weights, count);

    /// <summary>For each id the mark of the last pass that saw it.</summary>
    /// <param name="count">Ids.</param>
    /// <param name="mark">The mark of a new pass, which no id has yet.</param>
    public Span<int> Marks(int count, out int mark)
    {
        if (_mark == int.MaxValue)
        {
            Array.Clear(_marks);
            _mark = 0;
        }

        mark = ++_mark;
        return Room(ref _marks, count);
    }

    private static Span<T> Room<T>(ref T[] buffer, int count)
    {
        if (buffer.Length < count) buffer = new T[count];
        return buffer.AsSpan(0, count);
    }
}
