namespace Alpaca.Text.Tests;

/// <summary>A decoder whose logits are hashes of everything before them in the slot, so that a wrong slot, position, copy or adapter changes what it says.</summary>
/// <remarks>It holds its caller to the contract: one thread, ids and positions in range, and spans that are not read after the next call. A step allocates nothing.</remarks>
internal sealed class HashDecoder(int slots, int contextLength = 128, int adapters = 0) : IDecoder
{
    public const int Vocabulary = 80;

    private readonly ulong[][] _states = [.. Enumerable.Range(0, slots).Select(_ => new ulong[contextLength])]; // the "keys and values"
    private readonly int _thread = Environment.CurrentManagedThreadId;
    private float[] _logits = [];

    public int VocabularySize => Vocabulary;

    public int HiddenSize => 8;

    public int ContextLength => contextLength;

    public int Slots => slots;

    public IReadOnlyList<string> Adapters { get; } = [.. Enumerable.Range(0, adapters).Select(i => $"adapter-{i}")];

    /// <summary>Called before each pass with the ids that go in; may throw, or wait.</summary>
    public Action<int[]>? BeforePass { get; init; }

    /// <summary>The passes: how many ids went in.</summary>
    public List<int> Extended { get; } = [];

    public int Steps { get; private set; }

    public bool IsDisposed { get; private set; }

    /// <summary>The logits after some ids, by themselves.</summary>
    public static float[] LogitsAfter(IReadOnlyList<int> ids, int? adapter)
    {
        var state = 0UL;
        foreach (var id in ids) state = Next(state, id, adapter);
        var logits = new float[Vocabulary];
        Write(state, logits);
        return logits;
    }

    public ReadOnlySpan<float> Extend(int slot, int position, ReadOnlySpan<int> ids, int? adapter, LogitRows rows)
    {
        Check(ids, adapter);
        (position + ids.Length).Should().BeLessThanOrEqualTo(contextLength);
        Extended.Add(ids.Length);
        var states = _states[slot];
        Spoil(rows == LogitRows.All ? ids.Length : 1);
        for (var i = 0; i < ids.Length; i++)
        {
            states[position + i] = Next(position + i == 0 ? 0 : states[position + i - 1], ids[i], adapter);
            if (rows == LogitRows.All) Write(states[position + i], _logits.AsSpan(i * Vocabulary, Vocabulary));
        }

        if (rows == LogitRows.Last) Write(states[position + ids.Length - 1], _logits);
        return rows switch { LogitRows.None => [], LogitRows.Last => _logits.AsSpan(0, Vocabulary), _ => _logits.AsSpan(0, ids.Length * Vocabulary) };
    }

    public ReadOnlySpan<float> Step(int firstSlot, ReadOnlySpan<int> ids, ReadOnlySpan<int> positions, int? adapter)
    {
        if (BeforePass is not null || ids.IsEmpty || ids.Length != positions.Length || firstSlot + ids.Length > slots - 1) Check(ids, adapter);
        Steps++;
        Spoil(ids.Length);
        for (var i = 0; i < ids.Length; i++)
        {
            var (states, at) = (_states[firstSlot + i], positions[i]);
            states[at] = Next(at == 0 ? 0 : states[at - 1], ids[i], adapter);
            Write(states[at], _logits.AsSpan(i * Vocabulary, Vocabulary));
        }

        return _logits.AsSpan(0, ids.Length * Vocabulary);
    }

    public void Copy(int source, int target, int length)
    {
        Environment.CurrentManagedThreadId.Should().Be(_thread);
        source.Should().NotBe(target);
        length.Should().BeInRange(1, contextLength);
        _states[source].AsSpan(0, length).CopyTo(_states[target]);
        _states[target].AsSpan(length).Fill(0xDEAD);
    }

    public void Embed(int slot, ReadOnlySpan<int> ids, int? adapter, Span<float> mean)
    {
        Check(ids, adapter);
        mean.Length.Should().Be(HiddenSize);
        mean.Clear();
        var states = _states[slot];
        for (var i = 0; i < ids.Length; i++)
        {
            states[i] = Next(i == 0 ? 0 : states[i - 1], ids[i], adapter);
            for (var d = 0; d < mean.Length; d++) mean[d] += Unit(states[i] + (ulong)d) / ids.Length;
        }
    }

    public void Dispose()
    {
        Environment.CurrentManagedThreadId.Should().Be(_thread);
        IsDisposed.Should().BeFalse();
        IsDisposed = true;
    }

    private void Check(ReadOnlySpan<int> ids, int? adapter)
    {
        Environment.CurrentManagedThreadId.Should().Be(_thread);
        IsDisposed.Should().BeFalse();
        ids.Length.Should().BePositive();
        (adapter ?? 0).Should().BeInRange(0, Math.Max(0, Adapters.Count - 1));
        foreach (var id in ids) id.Should().BeInRange(0, Vocabulary - 1);
        BeforePass?.Invoke(ids.ToArray());
    }

    private void Spoil(int rows)
    {
        if (_logits.Length < rows * Vocabulary) _logits = new float[rows * Vocabulary];
        Array.Fill(_logits, float.NaN);
    }

    private static ulong Next(ulong state, int id, int? adapter) => Mix(state * 31 + (ulong)id * 1_000_003 + (ulong)(adapter + 1 ?? 0) * 77_777_777 + 1);

    private static void Write(ulong state, Span<float> logits)
    {
        for (var id = 0; id < Vocabulary; id++) logits[id] = 4 * Unit(state + (ulong)id * 0x9E3779B97F4A7C15);
    }

    /// <summary>-1 to 1.</summary>
    private static float Unit(ulong value) => (Mix(value) >> 40) / (float)(1 << 23) - 1;

    // SplitMix64.
    private static ulong Mix(ulong value)
    {
        value += 0x9E3779B97F4A7C15;
        value = (value ^ (value >> 30)) * 0xBF58476D1CE4E5B9;
        value = (value ^ (value >> 27)) * 0x94D049BB133111EB;
        return value ^ (value >> 31);
    }
}
