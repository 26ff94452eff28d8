using System.Globalization;
using System.Text;
using System.Text.Json.Nodes;
using Alpaca.Abstractions;

namespace Alpaca.Formats;

/// <summary>The <c>params.json</c> beside original LLaMA weights.</summary>
public sealed record MetaParameters
{
    /// <summary>The file's name.</summary>
    public const string FileName = "params.json";

    private const double DefaultRopeTheta = 10000.0;

    /// <summary>Width of the residual stream.</summary>
    public required int Dim { get; init; }

    /// <summary>Number of decoder layers.</summary>
    public required int NLayers { get; init; }

    /// <summary>Number of query heads.</summary>
    public required int NHeads { get; init; }

    /// <summary>Number of key and value heads (grouped-query attention), or <see langword="null"/> for as many as query heads.</summary>
    public int? NKvHeads { get; init; }

    /// <summary>Added to the mean square in RMSNorm.</summary>
    public required double NormEps { get; init; }

    /// <summary>The feed-forward width is rounded up to a multiple of this. The default is 256.</summary>
    public int MultipleOf { get; init; } = 256;

    /// <summary>Scales the feed-forward width before rounding, or <see langword="null"/> for 1.</summary>
    public double? FfnDimMultiplier { get; init; }

    /// <summary>Base of the rotary frequencies. The default is 10000.</summary>
    public double RopeTheta { get; init; } = DefaultRopeTheta;

    /// <summary>Whether the rotary frequencies are scaled for contexts longer than 8192 (Llama 3.1 and later). The default is <see langword="false"/>.</summary>
    public bool UseScaledRope { get; init; }

    /// <summary>How much longer the scaled context is, where the file tells it; Meta's code takes 8 for Llama 3.1 and 32 for 3.2 where it does not.</summary>
    public double? RopeScalingFactor { get; init; }

    /// <summary>The vocabulary's size; -1, the default, means the tokenizer's.</summary>
    public int VocabSize { get; init; } = -1;

    /// <summary>The longest sequence, where the file tells it.</summary>
    public int? MaxSeqLen { get; init; }

    /// <summary>Width of a head.</summary>
    public int HeadDim => Dim / NHeads;

    /// <summary>Width of the feed-forward layers: 2/3 of four times the width, scaled, rounded up to a multiple (meta-llama <c>model.py</c>, FeedForward).</summary>
    public long FeedForwardDim
    {
        get
        {
            var width = (long)(2 * (4L * Dim) / 3.0);
            width = FfnDimMultiplier is { } multiplier ? (long)(multiplier * width) : width;
            return MultipleOf * ((width + MultipleOf - 1) / MultipleOf);
        }
    }

    /// <summary>Reads a <c>params.json</c>.</summary>
    /// <exception cref="AlpacaException">The file is missing or contradicts itself; lists all problems.</exception>
    public static MetaParameters Load(string path)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(path);
        var json = JsonFile.ReadObject(path);
        // Some releases nest the model's parameters beside those of its training.
        var fields = new JsonFields(json["model"] as JsonObject ?? json);
        var parameters = new MetaParameters
        {
            Dim = fields.RequiredPositive("dim"),
            NLayers = fields.RequiredPositive("n_layers"),
            NHeads = fields.RequiredPositive("n_heads"),
            NKvHeads = fields.Optional<int>("n_kv_heads"),
            NormEps = fields.Required<double>("norm_eps"),
            MultipleOf = fields.Optional<int>("multiple_of") ?? 256,
            FfnDimMultiplier = fields.Optional<double>("ffn_dim_multiplier"),
            RopeTheta = fields.Optional<double>("rope_theta") ?? DefaultRopeTheta,
            VocabSize = fields.Optional<int>("vocab_size") ?? -1,
            MaxSeqLen = fields.Optional<int>("max_seq_len"),
            UseScaledRope = fields.Optional<bool>("use_scaled_rope") ?? false,
            RopeScalingFactor = fields.Optional<double>("rope_scaling_factor"),
        };
        if (fields.Problems.Count == 0)
        {
            fields.Problems.AddRange(parameters.FindContradictions());
        }

        return fields.Problems.Count == 0 ? parameters : throw new AlpacaException($"{path} does not describe a LLaMA: {string.Join("; ", fields.Problems)}.");
    }

    /// <summary>Chooses the rounding that gives a feed-forward width, which Hugging Face's configuration states outright.</summary>
    /// <param name="feedForwardDim">The width wanted.</param>
    /// <returns>These parameters with <see cref="MultipleOf"/> and, only if need be, <see cref="FfnDimMultiplier"/> set.</returns>
    public MetaParameters WithFeedForwardDim(int feedForwardDim)
    {
        // Meta's own values first (multipliers: 1B, 70B, 8B, 405B), the smaller ones of test models after them; the width itself always works for anything wider than 8/3.
        foreach (var (multiple, multiplier) in ((int, double?)[])
            [
                (256, null), (256, 1.5), (4096, 1.3), (1024, 1.3), (4096, 1.2), (1024, null), (4096, null),
                (128, null), (64, null), (32, null), (16, null), (8, null), (4, null), (2, null), (1, null), (feedForwardDim, null),
            ])
        {
            var candidate = this with { MultipleOf = multiple, FfnDimMultiplier = multiplier };
            if (candidate.FeedForwardDim == feedForwardDim)
            {
                return candidate;
            }
        }

        // Narrower: scale, aiming at the middle of what is cut down to the width, and do not round.
        var plain = this with { MultipleOf = 1, FfnDimMultiplier = null };
        return this with { MultipleOf = 1, FfnDimMultiplier = (feedForwardDim + 0.5) / plain.FeedForwardDim };
    }

    /// <summary>The text of the file, byte for byte as Meta writes it for LLaMA 1 and Llama 2.</summary>
    public string ToJson()
    {
        var json = new StringBuilder();
        Append("dim", Dim.ToString(CultureInfo.InvariantCulture));
        Append("multiple_of", MultipleOf.ToString(CultureInfo.InvariantCulture));
        if (FfnDimMultiplier is { } multiplier)
        {
            Append("ffn_dim_multiplier", Python(multiplier));
        }

        Append("n_heads", NHeads.ToString(CultureInfo.InvariantCulture));
        if (NKvHeads is { } heads && heads != NHeads)
        {
            Append("n_kv_heads", heads.ToString(CultureInfo.InvariantCulture));
        }

        Append("n_layers", NLayers.ToString(CultureInfo.InvariantCulture));
        Append("norm_eps", Python(NormEps));
        if (RopeTheta != DefaultRopeTheta)
        {
            Append("rope_theta", Python(RopeTheta));
        }

        if (UseScaledRope)
        {
            Append("use_scaled_rope", "true");
        }

        if (RopeScalingFactor is { } factor)
        {
            Append("rope_scaling_factor", Python(factor));
        }

        Append("vocab_size", VocabSize.ToString(CultureInfo.InvariantCulture));
        return json.Append('}').ToString();

        void Append(string key, string value) => json.Append(json.Length == 0 ? "{" : ", ").Append('"').Append(key).Append("\": ").Append(value);

        // Python writes 1e-06 and 10000.0.
        static string Python(double value)
        {
            var text = value.ToString("R", CultureInfo.InvariantCulture).ToLowerInvariant();
            return text.AsSpan().ContainsAny('.', 'e') ? text : text + ".0";
        }
    }

    private IEnumerable<string> FindContradictions()
    {
        if (Dim % NHeads != 0)
        {
            yield return $"dim {Dim} is not a multiple of n_heads {NHeads}";
        }
        else if (HeadDim % 2 != 0)
        {
            yield return $"heads are {HeadDim} wide, rotary positions need an even width";
        }

        if (NKvHeads is { } kv && (kv < 1 || NHeads % kv != 0))
        {
            yield return $"n_heads {NHeads} is not a multiple of n_kv_heads {kv}";
        }

        if (MultipleOf < 1)
        {
            yield return $"multiple_of is {MultipleOf}, expected at least 1";
        }

        if (!(NormEps > 0))
        {
            yield return $"norm_eps is {NormEps}, expected more than 0";
        }

        if (RopeScalingFactor is { } factor && !(factor >= 1))
        {
            yield return $"rope_scaling_factor is {factor}, expected at least 1";
        }

        if (!(RopeTheta > 0))
        {
            yield return $"rope_theta is {RopeTheta}, expected more than 0";
        }
    }
}
