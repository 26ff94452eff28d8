using System.Globalization;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using Alpaca.Text;

namespace Alpaca.Training;

/// <summary>What is to be known about data before training on it: its size, and what in it teaches nothing or the wrong thing.</summary>
internal sealed class DataLint
{
    private readonly string _purpose;
    private readonly int _maxSeqLength;
    private readonly int[] _histogram;
    private readonly HashSet<string> _seen = [];
    private readonly Finding _empty = new(), _duplicate = new(), _overLong = new(), _dropped = new(), _withoutTarget = new(), _withoutEnd = new();
    private int _samples;
    private int _answers;
    private long _tokens;
    private long _learned;

    /// <param name="purpose">What the data is for, in messages.</param>
    /// <param name="maxSeqLength">The longest sample that is trained whole.</param>
    public DataLint(string purpose, int maxSeqLength)
    {
        _purpose = purpose;
        _maxSeqLength = maxSeqLength;
        _histogram = new int[Bucket(maxSeqLength) + 2];
    }

    /// <summary>Samples looked at.</summary>
    public int Samples => _samples;

    /// <summary>Samples longer than the limit.</summary>
    public int OverLong => _overLong.Count;

    /// <summary>The first sample that is longer than the limit.</summary>
    public string FirstOverLong => _overLong.First;

    /// <summary>What is wrong, a line each; empty if nothing is.</summary>
    public IEnumerable<string> Warnings
    {
        get
        {
            if (_empty.Count > 0) yield return Tell(_empty, "have an empty answer and teach to say nothing");
            if (_duplicate.Count > 0) yield return Tell(_duplicate, "are there more than once and count as often");
            if (_dropped.Count > 0) yield return Tell(_dropped, $"have more than MaxSeqLength {_maxSeqLength} tokens and are left out");
            if (_withoutTarget.Count > 0) yield return Tell(_withoutTarget, "are left out: their prompt alone fills MaxSeqLength");
            if (_withoutEnd.Count > 0) yield return Tell(_withoutEnd, "are cut at MaxSeqLength and do not teach where an answer ends");
        }
    }

    /// <summary>Sizes, a line each.</summary>
    public IEnumerable<string> Summary
    {
        get
        {
            yield return string.Create(
                CultureInfo.InvariantCulture,
                $"{_purpose} data: {_samples:N0} samples with {_answers:N0} answers, {_tokens:N0} tokens, {_learned:N0} of them learned ({100.0 * _learned / Math.Max(1, _tokens):F1} %)");
            var lengths = _histogram.Select((count, bucket) => (count, bucket)).Where(b => b.count > 0).Select(b => b.bucket == _histogram.Length - 1
                ? string.Create(CultureInfo.InvariantCulture, $"more {b.count:N0}")
                : string.Create(CultureInfo.InvariantCulture, $"up to {Math.Min(16L << b.bucket, _maxSeqLength)} {b.count:N0}"));
            yield return $"{_purpose} lengths in tokens: {string.Join(", ", lengths)}";
        }
    }

    /// <summary>Both, as they stand.</summary>
    public DataFindings Findings => new([.. Summary], [.. Warnings]);

    /// <summary>Looks at a sample as it was read and at what will be trained of it.</summary>
    /// <param name="conversation">The sample.</param>
    /// <param name="whole">All of it, encoded.</param>
    /// <param name="trained">What is trained, or <see langword="null"/> if it is left out.</param>
    /// <param name="end">The id that ends an answer.</param>
    public void Add(Conversation conversation, SupervisedExample whole, SupervisedExample? trained, int? end)
    {
        _samples++;
        _answers += conversation.Turns.Count(turn => turn.Assistant is not null);
        _histogram[whole.InputIds.Length > _maxSeqLength ? ^1 : Bucket(whole.InputIds.Length)]++;
        _empty.Add(conversation.Turns.Any(turn => turn.Assistant is { } answer && string.IsNullOrWhiteSpace(answer)), whole.Place);
        _duplicate.Add(!_seen.Add(Convert.ToBase64String(SHA256.HashData(MemoryMarshal.AsBytes(whole.InputIds.AsSpan())).AsSpan(0, 16))), whole.Place);
        _overLong.Add(whole.InputIds.Length > _maxSeqLength, whole.Place);
        _dropped.Add(trained is null, whole.Place);
        if (trained is null) return;
        var learned = TrainingRow.CountSupervised(trained);
        _withoutTarget.Add(learned == 0, whole.Place);
        _withoutEnd.Add(learned > 0 && trained.Labels[^1] != end, whole.Place);
        _tokens += trained.InputIds.Length;
        _learned += learned;
    }

    // 16, 32, 64, ... tokens
    private static int Bucket(int length) => Math.Max(0, (int)Math.Ceiling(Math.Log2(Math.Max(1, length))) - 4);

    private string Tell(Finding finding, string what)
        => string.Create(CultureInfo.InvariantCulture, $"{finding.Count:N0} of {_samples:N0} {_purpose} samples {what} ({finding.Places})");
}
