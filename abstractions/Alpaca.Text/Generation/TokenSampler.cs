using System.Numerics.Tensors;
using System.Security.Cryptography;
using Alpaca.Abstractions;

namespace Alpaca.Text;

/// <summary>
/// Chooses tokens from logits, in the order of Hugging Face's generation: repetition penalty, presence and frequency penalties, temperature, top-k, top-p, min-p, then a draw.
/// </summary>
/// <remarks>
/// Deterministic: the same options with a seed and the same logits give the same tokens. One sampler serves one sequence, on one thread at a time. Beyond what a token carries, choosing it allocates nothing.
/// </remarks>
public sealed class TokenSampler
{
    private readonly GenerationOptions _options;
    private readonly Random _random;
    private readonly SamplingBuffers _buffers;
    private readonly bool _isPenalised;

    /// <summary>Creates a sampler.</summary>
    /// <param name="options">How to choose.</param>
    /// <exception cref="AlpacaUsageException">An option is out of range; all that are, are named.</exception>
    public TokenSampler(GenerationOptions options)
        : this(options, new SamplingBuffers())
    {
    }

    /// <summary>Creates one of several samplers of a thread.</summary>
    internal TokenSampler(GenerationOptions options, SamplingBuffers buffers)
    {
        ArgumentNullException.ThrowIfNull(options);
        GenerationOptionsValidator.ThrowIfInvalid(options);
        _options = options;
        _buffers = buffers;
        _random = new Random(options.Seed ?? RandomNumberGenerator.GetInt32(int.MaxValue));
        _isPenalised = options.RepetitionPenalty != 1 || options.PresencePenalty != 0 || options.FrequencyPenalty != 0;
    }

    /// <summary>Chooses the next token.</summary>
    /// <param name="logits">The raw logits, [vocabulary size]; <c>-inf</c> rules a token out.</param>
    /// <param name="seenIds">All ids so far, prompt and beginning of sequence included; what the repetition penalty is about.</param>
    /// <param name="promptLength">How many of them are the prompt's: presence and frequency count the others only.</param>
    /// <returns>The token with its log-probability under the raw logits, and the alternatives and the copy of the logits that the options ask for.</returns>
    /// <exception cref="AlpacaException">The logits are not numbers.</exception>
    public GeneratedToken Next(ReadOnlySpan<float> logits, ReadOnlySpan<int> seenIds, int promptLength = 0)
    {
        if (logits.IsEmpty) throw new ArgumentException("There are no logits to choose from.", nameof(logits));
        ArgumentOutOfRangeException.ThrowIfGreaterThan((uint)promptLength, (uint)seenIds.Length, nameof(promptLength));
        var max = LogSumExp.Max(logits);

        var scores = logits;
        var best = max;
        if (_isPenalised)
        {
            scores = Penalise(logits, seenIds, promptLength);
            best = TensorPrimitives.Max(scores);
        }

        var id = _options.Temperature == 0 ? scores.IndexOf(best) : Draw(scores, best);
        var logSum = LogSumExp.Of(logits, max);
        return new GeneratedToken(id, (float)Math.Min(0, logits[id] - logSum))
        {
            Logits = _options.ReturnLogits ? logits.ToArray() : default,
            Alternatives = _options.TopLogProbabilities > 0 ? Alternatives(logits, logSum) : default,
        };
    }

    /// <summary>A copy of the logits in which what was said already is less likely.</summary>
    private ReadOnlySpan<float> Penalise(ReadOnlySpan<float> logits, ReadOnlySpan<int> seenIds, int promptLength)
    {
        var scores = _buffers.Scores(logits.Length);
        logits.CopyTo(scores);
        if (_options.RepetitionPenalty != 1) PenaliseRepetition(scores, seenIds);
        if (_options.PresencePenalty != 0 || _options.FrequencyPenalty != 0) PenalisePresence(scores, seenIds[promptLength..]);
        return scores;
    }

    /// <summary>Every distinct id loses: s &lt; 0 becomes s·p, s ≥ 0 becomes s/p.</summary>
    private void PenaliseRepetition(Span<float> scores, ReadOnlySpan<int> ids)
    {
        var penalty = _options.RepetitionPenalty;
        var marks = _buffers.Marks(scores.Length, out var mark);
        foreach (var id in ids)
        {
            if ((uint)id >= (uint)scores.Length || marks[id] == mark) continue;
            marks[id] = mark;
            scores[id] = scores[id] < 0 ? scores[id] * penalty : scores[id] / penalty;
        }
    }

    /// <summary>Takes the frequency penalty for each occurrence of an id, and the presence penalty once.</summary>
    private void PenalisePresence(Span<float> scores, ReadOnlySpan<int> ids)
    {
        var marks = _buffers.Marks(scores.Length, out var mark);
        foreach (var id in ids)
        {
            if ((uint)id >= (uint)scores.Length) continue;
            scores[id] -= _options.FrequencyPenalty;
            if (marks[id] == mark) continue;
            marks[id] = mark;
            scores[id] -= _options.PresencePenalty;
        }
    }

    private int Draw(ReadOnlySpan<float> scores, float best)
    {
        if (_options.TopK > 0 && _options.TopK < scores.Length)
        {
            var candidates = _buffers.Top.Take(scores, _options.TopK);
            var weights = _buffers.Weights(candidates.Length);
            for (var i = 0; i < candidates.Length; i++) weights[i] = scores[candidates[i]];
            WeighUp(weights, weights, best);
            return candidates[DrawBest(weights)];
        }

        // Softmax over all, without the division: the weight of the best is 1.
        var all = _buffers.Weights(scores.Length);
        WeighUp(scores, all, best);
        return _options.TopP < 1 ? _buffers.Nucleus.Draw(all, _options.TopP, _options.MinP, _random.NextDouble()) : DrawAny(all);
    }

    /// <summary>exp((score - best) / temperature): with the best as 0, a very low temperature cannot overflow.</summary>
    private void WeighUp(ReadOnlySpan<float> scores, Span<float> weights, float best)
    {
        TensorPrimitives.Subtract(scores, best, weights);
        if (_options.Temperature != 1) TensorPrimitives.Divide(weights, _options.Temperature, weights);
        TensorPrimitives.Exp(weights, weights);
    }

    /// <summary>Draws among weights that fall from the first on, after top-p and min-p.</summary>
    private int DrawBest(ReadOnlySpan<float> weights)
    {
        var (count, sum) = (weights.Length, 0.0);
        if (_options.TopP < 1)
        {
            // The token that crosses the threshold stays.
            var total = (double)TensorPrimitives.Sum(weights);
            count = 0;
            do sum += weights[count++];
            while (count < weights.Length && sum < _options.TopP * total);
        }

        while (count > 1 && (weights[count - 1] < _options.MinP * weights[0] || weights[count - 1] == 0)) count--;
        sum = 0;
        foreach (var weight in weights[..count]) sum += weight;

        var draw = _random.NextDouble() * sum;
        for (var i = 0; i < count; i++)
        {
            draw -= weights[i];
            if (draw < 0) return i;
        }

        return count - 1; // rounding left a little of the draw
    }

    /// <summary>Draws among all weights in the order of their ids, after min-p.</summary>
    private int DrawAny(Span<float> weights)
    {
        const int block = 1024;
        if (_options.MinP > 0)
        {
            foreach (ref var weight in weights)
            {
                if (weight < _options.MinP) weight = 0; // the largest is 1
            }
        }

        var total = 0.0;
        for (var start = 0; start < weights.Length; start += block) total += TensorPrimitives.Sum<float>(weights.Slice(start, Math.Min(block, weights.Length - start)));
        var draw = _random.NextDouble() * total;
        var last = 0;
        for (var start = 0; start < weights.Length; start += block)
        {
            var part = weights.Slice(start, Math.Min(block, weights.Length - start));
            var sum = TensorPrimitives.Sum<float>(part);
            if (sum > 0) last = start + part.LastIndexOfAnyExcept(0f);
            if (draw >= sum)
            {
                draw -= sum;
                continue;
            }

            for (var i = 0; i < part.Length; i++)
            {
                draw -= part[i];
                if (draw < 0) return start + i;
            }

            return last; // rounding left a little of the draw
        }

        return last;
    }

    private TokenLogProbability[] Alternatives(ReadOnlySpan<float> logits, double logSum)
    {
        var best = _buffers.Top.Take(logits, Math.Min(_options.TopLogProbabilities, logits.Length));
        var alternatives = new TokenLogProbability[Math.Min(best.Length, _options.TopLogProbabilities)];
        for (var i = 0; i < alternatives.Length; i++) alternatives[i] = new TokenLogProbability(best[i], (float)Math.Min(0, logits[best[i]] - logSum));
        return alternatives;
    }
}
