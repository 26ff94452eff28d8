using System.Text.Json.Nodes;
using Alpaca.Abstractions;

namespace Alpaca.Formats;

/// <summary>The <c>adapter_config.json</c> of a LoRA adapter in PEFT's format.</summary>
/// <remarks>PEFT adds keys with every version; unknown ones are ignored on reading, and those that change what an adapter computes are refused by name.</remarks>
public sealed record LoraConfig
{
    /// <summary>The file's name.</summary>
    public const string FileName = "adapter_config.json";

    // Each is held against each module. The largest LLaMA has 882 adapted layers.
    private const int MostEntries = 10_000;

    /// <summary>The rank r.</summary>
    public required int R { get; init; }

    /// <summary>Alpha; the update is scaled by alpha / r, or alpha / sqrt(r) with <see cref="UseRslora"/>.</summary>
    public required double LoraAlpha { get; init; }

    /// <summary>Dropout before the A matrix during training. The default is 0.</summary>
    public double LoraDropout { get; init; }

    /// <summary>The linear layers with an adapter, by the end of their names; a single text is a pattern for whole names.</summary>
    public IReadOnlyList<string> TargetModules { get; init; } = [];

    /// <summary>Modules trained in full and saved whole. The default is none.</summary>
    public IReadOnlyList<string> ModulesToSave { get; init; } = [];

    /// <summary>Where the base model was at the time of training; information only.</summary>
    public string? BaseModelNameOrPath { get; init; }

    /// <summary>Always <c>LORA</c> here.</summary>
    public string PeftType { get; init; } = "LORA";

    /// <summary>Always <c>CAUSAL_LM</c> here.</summary>
    public string TaskType { get; init; } = "CAUSAL_LM";

    /// <summary>Which biases were trained; only <c>none</c> is supported.</summary>
    public string Bias { get; init; } = "none";

    /// <summary>Whether the base stores its weights transposed (GPT-2); only <see langword="false"/> is supported.</summary>
    public bool FanInFanOut { get; init; }

    /// <summary>Rank-stabilised LoRA: the scaling is alpha / sqrt(r). The default is <see langword="false"/>.</summary>
    public bool UseRslora { get; init; }

    /// <summary>Whether the adapter was saved for inference. The default is <see langword="true"/>, as PEFT saves.</summary>
    public bool InferenceMode { get; init; } = true;

    /// <summary>Alpha of single modules, by the end of their names. The default is none.</summary>
    public IReadOnlyDictionary<string, double> AlphaPattern { get; init; } = new Dictionary<string, double>();

    /// <summary>Rank of single modules, by the end of their names. The default is none.</summary>
    public IReadOnlyDictionary<string, int> RankPattern { get; init; } = new Dictionary<string, int>();

    /// <summary>The scaling of modules without a pattern of their own.</summary>
    public double Scaling => ScalingOf(LoraAlpha, R);

    /// <summary>The scaling of one module.</summary>
    /// <param name="module">Its name, for example <c>model.layers.0.self_attn.q_proj</c>.</param>
    public double ScalingFor(string module) => ScalingOf(ForModule(AlphaPattern, module, LoraAlpha), RankFor(module));

    /// <summary>The rank of one module.</summary>
    /// <param name="module">Its name.</param>
    public int RankFor(string module) => ForModule(RankPattern, module, R);

    /// <summary>Reads an <c>adapter_config.json</c>.</summary>
    /// <param name="folderOrFile">The adapter folder, or the file itself.</param>
    /// <exception cref="AlpacaException">The file is missing, malformed, or of an adapter that would be computed wrongly; lists all problems.</exception>
    public static LoraConfig Load(string folderOrFile)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(folderOrFile);
        var path = Directory.Exists(folderOrFile) ? Path.Combine(folderOrFile, FileName) : folderOrFile;
        var json = JsonFile.ReadObject(path);
        var fields = new JsonFields(json);
        if ((fields.Text("peft_type") ?? "LORA") is not "LORA" and var type)
        {
            throw new AlpacaException($"{path} is of an adapter of type {Printable.Of(type)}; only LORA is supported.");
        }

        var config = new LoraConfig
        {
            R = fields.RequiredPositive("r"),
            LoraAlpha = fields.Required<double>("lora_alpha"),
            LoraDropout = fields.Optional<double>("lora_dropout") ?? 0,
            TargetModules = fields.Texts("target_modules"),
            ModulesToSave = fields.Texts("modules_to_save"),
            BaseModelNameOrPath = fields.Text("base_model_name_or_path"),
            TaskType = fields.Text("task_type") ?? "CAUSAL_LM",
            Bias = fields.Text("bias") ?? "none",
            FanInFanOut = fields.Optional<bool>("fan_in_fan_out") ?? false,
            UseRslora = fields.Optional<bool>("use_rslora") ?? false,
            InferenceMode = fields.Optional<bool>("inference_mode") ?? true,
            AlphaPattern = ReadPattern<double>(json, fields, "alpha_pattern"),
            RankPattern = ReadPattern<int>(json, fields, "rank_pattern"),
        };
        fields.Problems.AddRange(config.FindUnsupported(json));
        return fields.Problems.Count == 0 ? config : throw new AlpacaException($"{path} cannot be used: {Listing.Of(fields.Problems, "; ")}.");
    }

    /// <summary>Writes the configuration as PEFT 0.3 does, keys sorted; later keys only where they say something.</summary>
    /// <param name="path">The file, or the folder that gets an <c>adapter_config.json</c>.</param>
    public void Save(string path)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(path);
        var json = new JsonObject
        {
            ["base_model_name_or_path"] = BaseModelNameOrPath,
            ["bias"] = Bias,
            ["fan_in_fan_out"] = FanInFanOut,
            ["inference_mode"] = InferenceMode,
            ["init_lora_weights"] = true,
            ["lora_alpha"] = LoraAlpha,
            ["lora_dropout"] = LoraDropout,
            ["modules_to_save"] = ModulesToSave.Count == 0 ? null : List(ModulesToSave),
            ["peft_type"] = PeftType,
            ["r"] = R,
            ["target_modules"] = List(TargetModules),
            ["task_type"] = TaskType,
        };
        if (UseRslora)
        {
            json["use_rslora"] = true;
        }

        if (AlphaPattern.Count > 0)
        {
            json["alpha_pattern"] = new JsonObject(AlphaPattern.Select(p => KeyValuePair.Create<string, JsonNode?>(p.Key, p.Value)));
        }

        if (RankPattern.Count > 0)
        {
            json["rank_pattern"] = new JsonObject(RankPattern.Select(p => KeyValuePair.Create<string, JsonNode?>(p.Key, p.Value)));
        }

        JsonFile.WriteObject(Directory.Exists(path) ? Path.Combine(path, FileName) : path, json);

        static JsonArray List(IEnumerable<string> items) => new([.. items.Select(item => (JsonNode)item)]);
    }

    private double ScalingOf(double alpha, int rank) => UseRslora ? alpha / Math.Sqrt(rank) : alpha / rank;

    // PEFT: a pattern is a module's full name or its end, from a dot on.
    private static T ForModule<T>(IReadOnlyDictionary<string, T> patterns, string module, T general)
    {
        ArgumentNullException.ThrowIfNull(module);
        foreach (var (pattern, value) in patterns)
        {
            if (module == pattern || module.EndsWith("." + pattern, StringComparison.Ordinal))
            {
                return value;
            }
        }

        return general;
    }

    private static Dictionary<string, T> ReadPattern<T>(JsonObject json, JsonFields fields, string key) where T : struct
    {
        var result = new Dictionary<string, T>(StringComparer.Ordinal);
        if (json[key] is not JsonObject patterns)
        {
            if (json[key] is not null)
            {
                fields.Problems.Add($"{key} is not an object");
            }

            return result;
        }

        var inner = new JsonFields(patterns);
        foreach (var (pattern, _) in patterns)
        {
            if (pattern.Any(c => !char.IsAsciiLetterOrDigit(c) && c is not ('.' or '_')))
            {
                inner.Problems.Add($"the pattern {Printable.Of(pattern)} is a regular expression, only names are supported");
            }

            result[pattern] = inner.Required<T>(pattern);
        }

        fields.Problems.AddRange(inner.Problems.Select(problem => $"{key}: {problem}"));
        return result;
    }

    private IEnumerable<string> FindUnsupported(JsonObject json)
    {
        if (FanInFanOut || json["enable_lora"] is not null)
        {
            yield return "it was trained with fan_in_fan_out or enable_lora (old PEFT versions set them by mistake for a single target module), which does not fit LLaMA's layers; train it again with more than one target or a newer PEFT";
        }

        if (Bias != "none")
        {
            yield return $"bias is {Printable.Of(Bias)}, LLaMA's layers have no bias";
        }

        foreach (var (key, count) in (IEnumerable<(string, int)>)
            [("target_modules", TargetModules.Count), ("modules_to_save", ModulesToSave.Count), ("rank_pattern", RankPattern.Count), ("alpha_pattern", AlphaPattern.Count)])
        {
            if (count > MostEntries)
            {
                yield return $"{key} has {count} entries, more than any model has modules";
            }
        }

        if (RankPattern.Values.Any(rank => rank < 1))
        {
            yield return "rank_pattern has a rank below 1";
        }

        foreach (var (key, what) in (IEnumerable<(string, string)>)[("use_dora", "DoRA"), ("lora_bias", "LoRA with a bias"), ("use_qalora", "QALoRA")])
        {
            if (json[key] is JsonValue value && value.TryGetValue<bool>(out var on) && on)
            {
                yield return $"{key} is true, {what} is not supported";
            }
        }

        // These start from a changed base model, so that adding the update to the original base gives another model.
        if (json["init_lora_weights"] is JsonValue init && init.TryGetValue<string>(out var method) && method is not ("gaussian" or "orthogonal" or "eva"))
        {
            yield return $"init_lora_weights is {Printable.Of(method)}, which changes the base model; save the adapter converted to plain LoRA";
        }

        foreach (var key in (string[])["layer_replication", "trainable_token_indices", "target_parameters"])
        {
            if (json[key] is { } node and not JsonArray { Count: 0 } and not JsonObject { Count: 0 })
            {
                yield return $"{key} is {(node is JsonValue ? Printable.Of(node.ToJsonString()) : "set")}, which is not supported";
            }
        }
    }
}
