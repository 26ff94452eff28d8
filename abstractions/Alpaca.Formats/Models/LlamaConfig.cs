using System.Text.Json;
using System.Text.Json.Nodes;
using Alpaca.Abstractions;

namespace Alpaca.Formats;

/// <summary>The <c>config.json</c> of a Hugging Face LLaMA.</summary>
/// <remarks>Keys that this record does not know are kept and written back.</remarks>
public sealed record LlamaConfig
{
    /// <summary>The file's name.</summary>
    public const string FileName = "config.json";

    private const double DefaultRopeTheta = 10000.0;

    private readonly JsonObject _unknown = [];
    private readonly int? _numKeyValueHeads;
    private readonly int? _headDim;

    /// <summary>Width of the residual stream.</summary>
    public required int HiddenSize { get; init; }

    /// <summary>Width of the feed-forward layers.</summary>
    public required int IntermediateSize { get; init; }

    /// <summary>Number of decoder layers.</summary>
    public required int NumHiddenLayers { get; init; }

    /// <summary>Number of query heads.</summary>
    public required int NumAttentionHeads { get; init; }

    /// <summary>Number of key and value heads (grouped-query attention). The default is <see cref="NumAttentionHeads"/>.</summary>
    public int NumKeyValueHeads { get => _numKeyValueHeads ?? NumAttentionHeads; init => _numKeyValueHeads = value; }

    /// <summary>Width of a head. The default is <see cref="HiddenSize"/> / <see cref="NumAttentionHeads"/>.</summary>
    public int HeadDim { get => _headDim ?? (NumAttentionHeads > 0 ? HiddenSize / NumAttentionHeads : 0); init => _headDim = value; }

    /// <summary>Rows of the embedding.</summary>
    public required int VocabSize { get; init; }

    /// <summary>Added to the mean square in RMSNorm. The default is 1e-6.</summary>
    public double RmsNormEps { get; init; } = 1e-6;

    /// <summary>Base of the rotary frequencies. The default is 10000.</summary>
    public double RopeTheta { get; init; } = DefaultRopeTheta;

    /// <summary>The longest sequence trained on. The default is 2048.</summary>
    public int MaxPositionEmbeddings { get; init; } = 2048;

    /// <summary>Whether the output layer shares the embedding's weights. The default is <see langword="false"/>.</summary>
    public bool TieWordEmbeddings { get; init; }

    /// <summary>Id of the beginning of a sequence. The default is 1.</summary>
    public int BosTokenId { get; init; } = 1;

    /// <summary>Ids that end a sequence; LLaMA 3 has several. The default is 2.</summary>
    public IReadOnlyList<int> EosTokenIds { get; init; } = [2];

    /// <summary>The first of <see cref="EosTokenIds"/>.</summary>
    public int EosTokenId { get => EosTokenIds[0]; init => EosTokenIds = [value]; }

    /// <summary>Id of padding. The default is none.</summary>
    public int? PadTokenId { get; init; }

    /// <summary>Element type of the weights. The default is float16, as in the original weights.</summary>
    public DType TorchDType { get; init; } = DType.Float16;

    /// <summary>How rotary positions are stretched. The default is not at all.</summary>
    public RopeScaling? RopeScaling { get; init; }

    /// <summary>Reads a <c>config.json</c>.</summary>
    /// <param name="folderOrFile">The model folder, or the file itself.</param>
    /// <exception cref="AlpacaException">The file is missing or does not describe a LLaMA; lists all problems.</exception>
    public static LlamaConfig Load(string folderOrFile)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(folderOrFile);
        var path = Directory.Exists(folderOrFile) ? Path.Combine(folderOrFile, FileName) : folderOrFile;
        var json = JsonFile.ReadObject(path);
        var fields = new JsonFields(json);
        var config = Read(json, fields);
        fields.Problems.AddRange(config.FindContradictions());
        return fields.Problems.Count == 0
            ? config
            : throw new AlpacaException($"{path} does not describe a LLaMA model: {string.Join("; ", fields.Problems)}.");
    }

    /// <summary>Writes the configuration, keys sorted; values that are transformers' defaults for a LLaMA without them are left out.</summary>
    /// <param name="path">The file, or the folder that gets a <c>config.json</c>.</param>
    public void Save(string path)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(path);
        var json = (JsonObject)_unknown.DeepClone();
        json["architectures"] ??= new JsonArray("LlamaForCausalLM");
        json["model_type"] = "llama";
        json["hidden_act"] ??= "silu";
        json["initializer_range"] ??= 0.02;
        json["use_cache"] ??= true;
        json["transformers_version"] ??= "4.28.0.dev0";
        json["hidden_size"] = HiddenSize;
        json["intermediate_size"] = IntermediateSize;
        json["num_hidden_layers"] = NumHiddenLayers;
        json["num_attention_heads"] = NumAttentionHeads;
        json["vocab_size"] = VocabSize;
        json["rms_norm_eps"] = RmsNormEps;
        json["max_position_embeddings"] = MaxPositionEmbeddings;
        json["tie_word_embeddings"] = TieWordEmbeddings;
        json["bos_token_id"] = BosTokenId;
        json["eos_token_id"] = EosTokenIds.Count == 1 ? EosTokenId : new JsonArray([.. EosTokenIds.Select(id => (JsonNode)id)]);
        json["torch_dtype"] = TorchDType.TorchName();
        SetUnless(NumKeyValueHeads == NumAttentionHeads, json, "num_key_value_heads", NumKeyValueHeads);
        SetUnless(NumAttentionHeads > 0 && HeadDim * NumAttentionHeads == HiddenSize, json, "head_dim", HeadDim);
        SetUnless(RopeTheta == DefaultRopeTheta, json, "rope_theta", RopeTheta);
        SetUnless(PadTokenId is null, json, "pad_token_id", PadTokenId);
        SetUnless(RopeScaling is null, json, "rope_scaling", RopeScaling is null ? null : Write(RopeScaling));
        JsonFile.WriteObject(Directory.Exists(path) ? Path.Combine(path, FileName) : path, json);
    }

    private LlamaConfig WithUnknown(JsonObject json)
    {
        foreach (var (key, value) in json)
        {
            if (!Known.Contains(key))
            {
                _unknown[key] = value?.DeepClone();
            }
        }

        return this;
    }

    private static readonly HashSet<string> Known = new(StringComparer.Ordinal)
    {
        "hidden_size", "intermediate_size", "num_hidden_layers", "num_attention_heads", "num_key_value_heads", "head_dim", "vocab_size", "rms_norm_eps", "rope_theta",
        "max_position_embeddings", "tie_word_embeddings", "bos_token_id", "eos_token_id", "pad_token_id", "torch_dtype", "dtype", "rope_scaling", "rope_parameters",
    };

    private static LlamaConfig Read(JsonObject json, JsonFields fields)
    {
        if ((fields.Text("model_type") ?? "llama") is not "llama" and var type)
        {
            fields.Problems.Add($"model_type is {type}, only llama is supported");
        }

        if ((fields.Text("hidden_act") ?? "silu") is not "silu" and var activation)
        {
            fields.Problems.Add($"hidden_act is {activation}, only silu is supported");
        }

        foreach (var key in (string[])["attention_bias", "mlp_bias"])
        {
            if (fields.Optional<bool>(key) == true)
            {
                fields.Problems.Add($"{key} is true, layers with a bias are not supported");
            }
        }

        // transformers 5 moves rope_theta and the scaling into one object.
        var rope = json["rope_parameters"] as JsonObject;
        var config = new LlamaConfig
        {
            HiddenSize = fields.RequiredPositive("hidden_size"),
            IntermediateSize = fields.RequiredPositive("intermediate_size"),
            NumHiddenLayers = fields.RequiredPositive("num_hidden_layers"),
            NumAttentionHeads = fields.RequiredPositive("num_attention_heads"),
            VocabSize = fields.RequiredPositive("vocab_size"),
            RmsNormEps = fields.Optional<double>("rms_norm_eps") ?? 1e-6,
            RopeTheta = fields.Optional<double>("rope_theta") ?? (rope is null ? null : new JsonFields(rope).Optional<double>("rope_theta")) ?? DefaultRopeTheta,
            MaxPositionEmbeddings = fields.Optional<int>("max_position_embeddings") ?? 2048,
            TieWordEmbeddings = fields.Optional<bool>("tie_word_embeddings") ?? false,
            BosTokenId = fields.Optional<int>("bos_token_id") ?? 1,
            EosTokenIds = ReadTokenIds(json, fields, "eos_token_id"),
            PadTokenId = fields.Optional<int>("pad_token_id"),
            TorchDType = ReadDType(fields),
            RopeScaling = ReadRopeScaling(json["rope_scaling"] ?? rope, fields),
        };
        config = fields.Optional<int>("num_key_value_heads") is { } kv ? config with { NumKeyValueHeads = kv } : config;
        config = fields.Optional<int>("head_dim") is { } width ? config with { HeadDim = width } : config;
        return config.WithUnknown(json);
    }

    private IEnumerable<string> FindContradictions()
    {
        if (NumAttentionHeads < 1 || HiddenSize < 1)
        {
            yield break;
        }

        if (_headDim is null && HiddenSize % NumAttentionHeads != 0)
        {
            yield return $"hidden_size {HiddenSize} is not a multiple of num_attention_heads {NumAttentionHeads}";
        }

        if (HeadDim < 2 || HeadDim % 2 != 0)
        {
            yield return $"heads are {HeadDim} wide, rotary positions need an even width";
        }

        if (NumKeyValueHeads < 1 || NumAttentionHeads % NumKeyValueHeads != 0)
        {
            yield return $"num_attention_heads {NumAttentionHeads} is not a multiple of num_key_value_heads {NumKeyValueHeads}";
        }

        if (!(RmsNormEps > 0))
        {
            yield return $"rms_norm_eps is {RmsNormEps}, expected more than 0";
        }

        if (!(RopeTheta > 0))
        {
            yield return $"rope_theta is {RopeTheta}, expected more than 0";
        }

        if (MaxPositionEmbeddings < 1)
        {
            yield return $"max_position_embeddings is {MaxPositionEmbeddings}, expected at least 1";
        }
    }

    private static IReadOnlyList<int> ReadTokenIds(JsonObject json, JsonFields fields, string key)
    {
        if (json[key] is not JsonArray array)
        {
            return fields.Optional<int>(key) is { } id ? [id] : [2];
        }

        if (array.Count > 0 && array.All(n => n is JsonValue v && v.GetValueKind() == JsonValueKind.Number && v.TryGetValue<int>(out _)))
        {
            return [.. array.Select(n => n!.GetValue<int>())];
        }

        fields.Problems.Add($"{key} is not a list of token ids");
        return [2];
    }

    private static DType ReadDType(JsonFields fields)
    {
        var name = fields.Text("torch_dtype") ?? fields.Text("dtype");
        switch (name)
        {
            case null or "auto" or "float16": return DType.Float16;
            case "bfloat16": return DType.BFloat16;
            case "float32": return DType.Float32;
            case "float64": return DType.Float64;
            default:
                fields.Problems.Add($"torch_dtype is {name}, expected float16, bfloat16 or float32");
                return DType.Float16;
        }
    }

    private static RopeScaling? ReadRopeScaling(JsonNode? node, JsonFields fields)
    {
        if (node is null)
        {
            return null;
        }

        if (node is not JsonObject json)
        {
            fields.Problems.Add("rope_scaling is not an object");
            return null;
        }

        var inner = new JsonFields(json);
        var type = inner.Text("rope_type") ?? inner.Text("type") ?? "default";
        RopeScaling? scaling = type == "default" ? null : new(type, inner.Required<double>("factor"))
        {
            LowFreqFactor = inner.Optional<double>("low_freq_factor"),
            HighFreqFactor = inner.Optional<double>("high_freq_factor"),
            OriginalMaxPositionEmbeddings = inner.Optional<int>("original_max_position_embeddings"),
        };
        fields.Problems.AddRange(inner.Problems.Select(problem => $"rope_scaling: {problem}"));
        return scaling;
    }

    private static JsonObject Write(RopeScaling scaling)
    {
        var json = new JsonObject { ["type"] = scaling.Type, ["rope_type"] = scaling.Type, ["factor"] = scaling.Factor };
        SetUnless(scaling.LowFreqFactor is null, json, "low_freq_factor", scaling.LowFreqFactor);
        SetUnless(scaling.HighFreqFactor is null, json, "high_freq_factor", scaling.HighFreqFactor);
        SetUnless(scaling.OriginalMaxPositionEmbeddings is null, json, "original_max_position_embeddings", scaling.OriginalMaxPositionEmbeddings);
        return json;
    }

    private static void SetUnless(bool isDefault, JsonObject json, string key, JsonNode? value)
    {
        if (!isDefault)
        {
            json[key] = value;
        }
    }
}
