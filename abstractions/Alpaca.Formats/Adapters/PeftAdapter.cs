using Alpaca.Abstractions;

namespace Alpaca.Formats;

/// <summary>The two matrices of one adapted layer: W' = W + scaling · B · A.</summary>
/// <param name="A">[r, in]</param>
/// <param name="B">[out, r]</param>
public sealed record LoraPair(TensorInfo A, TensorInfo B);

/// <summary>A LoRA adapter folder: <c>adapter_config.json</c> and <c>adapter_model.safetensors</c> or <c>adapter_model.bin</c>.</summary>
/// <remarks>
/// The names of all PEFT versions are understood: <c>base_model.model.…lora_A.weight</c>, with an adapter name in between (<c>lora_A.default.weight</c>), and
/// <c>modules_to_save.default.weight</c>.
/// </remarks>
public sealed class PeftAdapter : IDisposable
{
    /// <summary>The name under which PEFT's current versions look for the weights.</summary>
    public const string WeightsName = "adapter_model.safetensors";

    private const string LegacyWeightsName = "adapter_model.bin";
    private const string Prefix = "base_model.model.";

    private PeftAdapter(string folder, string weightsFile, LoraConfig config, ITensorSource tensors, Dictionary<string, LoraPair> pairs, Dictionary<string, TensorInfo> savedModules)
    {
        Folder = folder;
        WeightsFile = weightsFile;
        Config = config;
        Tensors = tensors;
        Pairs = pairs;
        SavedModules = savedModules;
    }

    /// <summary>The folder.</summary>
    public string Folder { get; }

    /// <summary>The file with the weights.</summary>
    public string WeightsFile { get; }

    /// <summary>Its configuration.</summary>
    public LoraConfig Config { get; }

    /// <summary>Its tensors, under the names of the file.</summary>
    public ITensorSource Tensors { get; }

    /// <summary>The adapted layers, by module name without <c>.weight</c>: <c>model.layers.0.self_attn.q_proj</c>.</summary>
    public IReadOnlyDictionary<string, LoraPair> Pairs { get; }

    /// <summary>The modules saved whole, by the name of the base's tensor: <c>model.embed_tokens.weight</c>.</summary>
    public IReadOnlyDictionary<string, TensorInfo> SavedModules { get; }

    /// <summary>The scaling of layers without a pattern of their own: alpha / r.</summary>
    public double Scaling => Config.Scaling;

    /// <summary>The rows of the embedding or output layer that the adapter brings, or <see langword="null"/> when it brings neither.</summary>
    public int? VocabularySize =>
        (SavedModules.GetValueOrDefault(LlamaTensorNames.EmbedTokens) ?? SavedModules.GetValueOrDefault(LlamaTensorNames.LmHead)) is { } tensor ? checked((int)tensor.Shape[0]) : null;

    /// <summary>The name that PEFT gives a matrix in the file.</summary>
    /// <param name="module">The module, for example <c>model.layers.0.self_attn.q_proj</c>.</param>
    /// <param name="matrix"><c>A</c> or <c>B</c>.</param>
    public static string TensorNameFor(string module, string matrix) => matrix is "A" or "B"
        ? $"{Prefix}{module}.lora_{matrix}.weight"
        : throw new ArgumentOutOfRangeException(nameof(matrix), matrix, "LoRA has the matrices A and B.");

    /// <summary>The name that PEFT gives a module that is saved whole.</summary>
    /// <param name="tensor">The base's tensor, for example <c>model.embed_tokens.weight</c>.</param>
    public static string TensorNameForSaved(string tensor) => Prefix + tensor;

    /// <summary>Opens an adapter and checks that it is whole in itself.</summary>
    /// <exception cref="AlpacaException">A file is missing, or the adapter is damaged or of an unsupported kind; lists all problems.</exception>
    public static PeftAdapter Open(string folder)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(folder);
        if (!Directory.Exists(folder))
        {
            throw new AlpacaException($"The adapter folder {folder} does not exist; check the path.");
        }

        if (!File.Exists(Path.Combine(folder, LoraConfig.FileName)))
        {
            var hint = File.Exists(Path.Combine(folder, LlamaConfig.FileName)) ? "it is a whole model, name it as the base" : "name the folder that training wrote";
            throw new AlpacaException($"{folder} is no LoRA adapter, it has no {LoraConfig.FileName}; {hint}.");
        }

        var config = LoraConfig.Load(folder);
        var file = Path.Combine(folder, WeightsName);
        file = File.Exists(file) ? file : Path.Combine(folder, LegacyWeightsName);
        if (!File.Exists(file))
        {
            throw new AlpacaException($"{folder} has neither {WeightsName} nor {LegacyWeightsName}; rename a pytorch_model.bin that the trainer wrote, or copy the missing file.");
        }

        var tensors = TensorSource.Open(file);
        try
        {
            var (pairs, saved, problems) = Sort(config, tensors);
            return problems.Count == 0
                ? new PeftAdapter(folder, file, config, tensors, pairs, saved)
                : throw new AlpacaException($"{file} cannot be used: {Listing.Of(problems, "; ")}.");
        }
        catch
        {
            tensors.Dispose();
            throw;
        }
    }

    /// <inheritdoc />
    public void Dispose() => Tensors.Dispose();

    private static (Dictionary<string, LoraPair> Pairs, Dictionary<string, TensorInfo> Saved, List<string> Problems) Sort(LoraConfig config, ITensorSource tensors)
    {
        var a = new Dictionary<string, TensorInfo>(StringComparer.Ordinal);
        var b = new Dictionary<string, TensorInfo>(StringComparer.Ordinal);
        var saved = new Dictionary<string, TensorInfo>(StringComparer.Ordinal);
        var problems = new List<string>();
        foreach (var tensor in tensors.Tensors)
        {
            var (kind, name) = AdapterTensorName.Parse(tensor.Name);
            var shown = Printable.Of(tensor.Name);
            var target = kind switch
            {
                AdapterTensorKind.A => a,
                AdapterTensorKind.B => b,
                AdapterTensorKind.SavedModule => saved,
                _ => null,
            };
            if (kind == AdapterTensorKind.Unsupported)
            {
                problems.Add($"{shown} belongs to a kind of adapter that is not supported");
            }
            else if (tensor.ElementCount == 0)
            {
                problems.Add($"{shown} is empty (saved under DeepSpeed ZeRO-3 without gathering the weights)");
            }
            else if (tensor.DType is not (DType.Float16 or DType.BFloat16 or DType.Float32 or DType.Float64))
            {
                problems.Add($"{shown} holds {tensor.DType.TorchName()}, expected floating point");
            }
            else if (name is LlamaTensorNames.EmbedTokens or LlamaTensorNames.LmHead && tensor.Shape is not [<= int.MaxValue, _])
            {
                problems.Add($"{shown} is [{string.Join(", ", tensor.Shape)}], expected rows and columns");
            }
            else if (target is not null && !target.TryAdd(name, tensor))
            {
                problems.Add($"{shown} and {Printable.Of(target[name].Name)} are the same matrix twice (two adapters in one file)");
            }
        }

        var pairs = Pair(config, a, b, problems);
        if (problems.Count == 0)
        {
            problems.AddRange(FindAbsent(config, pairs, saved));
        }

        return (pairs, saved, problems);
    }

    private static Dictionary<string, LoraPair> Pair(LoraConfig config, Dictionary<string, TensorInfo> a, Dictionary<string, TensorInfo> b, List<string> problems)
    {
        var pairs = new Dictionary<string, LoraPair>(StringComparer.Ordinal);
        foreach (var module in a.Keys.Union(b.Keys))
        {
            if (!a.TryGetValue(module, out var first) || !b.TryGetValue(module, out var second))
            {
                problems.Add($"{Printable.Of(module)} has only one of lora_A and lora_B");
                continue;
            }

            var rank = config.RankFor(module);
            if (first.Shape.Count != 2 || second.Shape.Count != 2 || first.Shape[0] != rank || second.Shape[1] != rank)
            {
                problems.Add($"lora_A [{string.Join(", ", first.Shape)}] and lora_B [{string.Join(", ", second.Shape)}] of {Printable.Of(module)} do not have rank {rank} of {LoraConfig.FileName}");
                continue;
            }

            pairs.Add(module, new LoraPair(first, second));
        }

        return pairs;
    }

    // An adapter that lost part of its weights when it was saved still loads everywhere and silently does less than it should.
    private static IEnumerable<string> FindAbsent(LoraConfig config, Dictionary<string, LoraPair> pairs, Dictionary<string, TensorInfo> saved)
    {
        if (pairs.Count == 0 && saved.Count == 0)
        {
            yield return "it holds no LoRA weights (an adapter of a few hundred bytes was saved empty by its trainer); save it again";
            yield break;
        }

        var present = pairs.Keys.Select(module => module[(module.LastIndexOf('.') + 1)..]).ToHashSet(StringComparer.Ordinal);
        foreach (var target in config.TargetModules.Where(t => LlamaTensorNames.Projections.Contains(t) && !present.Contains(t)))
        {
            yield return $"{LoraConfig.FileName} names the target {target}, the file has no weights for it";
        }

        foreach (var module in config.ModulesToSave.Where(m => !saved.Keys.Any(name => name.Contains(m, StringComparison.Ordinal))))
        {
            yield return $"{LoraConfig.FileName} names {Printable.Of(module)} among modules_to_save, the file does not hold it";
        }
    }
}
