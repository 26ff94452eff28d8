using System.Numerics.Tensors;
using System.Security.Cryptography;
using Alpaca.Abstractions;

namespace Alpaca.Text;

/// <summary>Chooses tokens from logits: repetition penalty, temperature, top-k, top-p, then a draw, in the order of Hugging Face's generation.</summary>
/// <remarks>
/// Deterministic: the same options with a seed and the same logits give the same tokens. One sampler serves one sequence, on one thread.
/// </remarks>
public sealed class TokenSampler
{
    private readonly GenerationOptions _options;
    private readonly Random _random;
    private float[] _scores = [];
    private int[] _candidates = [];
    private int[] _penalisedAt = [];
    private int _step;

    /// <summary>Creates a sampler.</summary>
    /// <param name="options">How to choose.</param>
    /// <exception cref="AlpacaUsageException">An option is out of range.</exception>
    public TokenSampler(GenerationOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        GenerationOptionsValidator.ThrowIfInvalid(options);
        _options = options;
        _random = new Random(options.Seed ?? RandomNumberGenerator.GetInt32(int.MaxValue));
    }

    /// <summary>Chooses the next token.</summary>
    /// <param name="logits">The raw logits, [vocabulary size]; <c>-inf</c> rules a token out.</param>
    /// <param name="seenIds">All ids so far, prompt and beginning of sequence included; what the repetition penalty is about.</param>
    /// <returns>The token with its log-probability under the raw logits, and a copy of them if <see cref="GenerationOptions.ReturnLogits"/> is set.</returns>
    /// <exception cref="AlpacaException">The logits are not numbers.</exception>
    public GeneratedToken Next(ReadOnlySpan<float> logits, IReadOnlyList<int> seenIds)
    {
        ArgumentNullException.ThrowIfNull(seenIds);
        if (logits.IsEmpty) throw new ArgumentException("There are no logits to choose from.", nameof(logits));
        if (_scores.Length != logits.Length)
        {
            _scores = new float[logits.Length];
            _candidates = new int[logits.Length];
            _penalisedAt = new int[logits.Length];
            _step = 0;
        }
        // Log-softmax of the raw logits, shifted by their maximum so that nothing overflows: x - max - log(sum(exp(x - max))).
        var max = TensorPrimitives.Max(logits);
        if (!float.IsFinite(max))
            throw new AlpacaException("The model produced logits that are not finite numbers; its weights are damaged or overflow in this precision, try fp32.");
        TensorPrimitives.Subtract(logits, max, _scores);
        TensorPrimitives.Exp(_scores, _scores);
        var logSum = MathF.Log(TensorPrimitives.Sum(_scores));

        logits.CopyTo(_scores);
        Penalise(seenIds);
        var id = _options.Temperature == 0 ? TensorPrimitives.IndexOfMax(_scores) : Draw();
        return new GeneratedToken(id, logits[id] - max - logSum) { Logits = _options.ReturnLogits ? logits.ToArray() : default };
    }

    /// <summary>Every distinct id seen so far loses: s &lt; 0 becomes s·p, s ≥ 0 becomes s/p.</summary>
    private void Penalise(IReadOnlyList<int> seenIds)
    {
        var penalty = _options.RepetitionPenalty;
        if (penalty == 1) return;
        _step++;
        for (var i = 0; i < seenIds.Count; i++)
        {
            var id = seenIds[i];
            if ((uint)id >= (uint)_scores.Length || _penalisedAt[id] == _step) continue;
            _penalisedAt[id] = _step;
            _scores[id] = _scores[id] < 0 ? _scores[id] * penalty : _scores[id] / penalty;
        }
    }

    private int Draw()
    {
        // Shifted so that the largest is 0: a softmax does not notice, and a very low temperature cannot overflow.
        TensorPrimitives.Subtract(_scores, TensorPrimitives.Max(_scores), _scores);
        TensorPrimitives.Divide(_scores, _options.Temperature, _scores);
        var candidates = TakeTopK();
        // Softmax over what is left, without the division; these weights take the place of the scores.
        var total = 0.0;
        foreach (var id in candidates) total += _scores[id] = MathF.Exp(_scores[id]);
        candidates = TakeTopP(candidates, ref total);

        var draw = _random.NextDouble() * total;
        foreach (var id in candidates)
        {
            draw -= _scores[id];
            if (draw < 0) return id;
        }
        return candidates[^1]; // rounding left a little of the draw
    }

    /// <summary>The ids whose score is at least the k-th largest (several can share it), best first, the lower id first of equals.</summary>
    private Span<int> TakeTopK()
    {
        var threshold = float.NegativeInfinity;
        if (_options.TopK > 0 && _options.TopK < _scores.Length) threshold = KthLargest(_options.TopK);
        var count = 0;
        for (var id = 0; id < _scores.Length; id++)
        {
            if (_scores[id] >= threshold && !float.IsNegativeInfinity(_scores[id])) _candidates[count++] = id;
        }
        var candidates = _candidates.AsSpan(0, count);
        candidates.Sort((a, b) => _scores[b].CompareTo(_scores[a]) is var order and not 0 ? order : a.CompareTo(b));
        return candidates;
    }

    /// <summary>The k-th largest score, by a heap of the k largest so far.</summary>
    private float KthLargest(int k)
    {
        var largest = new PriorityQueue<int, float>(k + 1);
        for (var id = 0; id < _scores.Length; id++)
        {
            if (largest.Count < k) largest.Enqueue(id, _scores[id]);
            else if (_scores[id] > _scores[largest.Peek()]) largest.EnqueueDequeue(id, _scores[id]);
        }
        return _scores[largest.Peek()];
    }

    /// <summary>
    /// Drops, from the least likely on, while what is dropped has at most 1 - p of the probability; the token that crosses the threshold stays. At least one is left.
    /// </summary>
    private Span<int> TakeTopP(Span<int> candidates, scoped ref double total)
    {
        if (_options.TopP >= 1) return candidates;
        var allowance = (1.0 - _options.TopP) * total;
        var dropped = 0.0;
        var count = candidates.Length;
        while (count > 1 && dropped + _scores[candidates[count - 1]] <= allowance) dropped += _scores[candidates[--count]];
        total -= dropped;
        return candidates[..count];
    }
}
