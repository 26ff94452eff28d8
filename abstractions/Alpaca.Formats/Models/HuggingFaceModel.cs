using Alpaca.Abstractions;

namespace Alpaca.Formats;

/// <summary>A LLaMA in a Hugging Face folder: <c>config.json</c> and the weights, in safetensors or PyTorch files, one or several.</summary>
public sealed class HuggingFaceModel : IDisposable
{
    private HuggingFaceModel(string folder, LlamaConfig config, ITensorSource tensors)
    {
        Folder = folder;
        Config = config;
        Tensors = tensors;
    }

    /// <summary>The folder.</summary>
    public string Folder { get; }

    /// <summary>Its configuration.</summary>
    public LlamaConfig Config { get; }

    /// <summary>Its weights; every tensor that the configuration implies is there with the implied shape. Saved rotary frequencies may be among them.</summary>
    public ITensorSource Tensors { get; }

    /// <summary>The number of parameters.</summary>
    public long Parameters => Tensors.Tensors.Where(t => !LlamaTensorNames.IsRotaryFrequencies(t.Name)).Sum(t => t.ElementCount);

    /// <summary>Opens a model and holds its tensors against its configuration.</summary>
    /// <exception cref="AlpacaException">It is not such a folder, or tensors are missing, superfluous or of the wrong shape; lists all of them.</exception>
    public static HuggingFaceModel Open(string folder)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(folder);
        if (!Directory.Exists(folder))
        {
            throw new AlpacaException($"The model folder {folder} does not exist; check the path.");
        }

        if (!File.Exists(Path.Combine(folder, LlamaConfig.FileName)))
        {
            throw new AlpacaException(ExplainMissingConfig(folder));
        }

        var config = LlamaConfig.Load(folder);
        var tensors = TensorSource.Open(folder);
        try
        {
            var problems = FindMismatches(config, tensors);
            return problems.Count == 0
                ? new HuggingFaceModel(folder, config, tensors)
                : throw new AlpacaException($"The weights in {folder} do not fit its {LlamaConfig.FileName}: {Listing.Of(problems, "; ")}.");
        }
        catch
        {
            tensors.Dispose();
            throw;
        }
    }

    /// <inheritdoc />
    public void Dispose() => Tensors.Dispose();

    private static List<string> FindMismatches(LlamaConfig config, ITensorSource tensors)
    {
        var problems = new List<string>();
        // A configuration may claim any number of layers; past the first absent one there is no use in counting on.
        var names = new HashSet<string>(StringComparer.Ordinal);
        foreach (var expected in LlamaTensorNames.Describe(config))
        {
            names.Add(expected.Name);
            if (tensors.Find(expected.Name) is not { } actual)
            {
                problems.Add($"{expected.Name} is missing");
                if (problems.Count > tensors.Tensors.Count + 1)
                {
                    break;
                }
            }
            else if (!actual.Shape.SequenceEqual(expected.Shape))
            {
                problems.Add($"{expected.Name} is [{string.Join(", ", actual.Shape)}], the configuration says [{string.Join(", ", expected.Shape)}]");
            }
            else if (actual.DType is not (DType.Float16 or DType.BFloat16 or DType.Float32 or DType.Float64))
            {
                problems.Add($"{expected.Name} holds {actual.DType.TorchName()}, expected floating point (quantised weights are not supported)");
            }
        }

        if (problems.Count == 0)
        {
            // A bias or an extra norm changes what the model computes; leaving it out silently would give another model.
            problems.AddRange(tensors.Tensors
                .Where(t => !names.Contains(t.Name) && !LlamaTensorNames.IsRotaryFrequencies(t.Name) && !(config.TieWordEmbeddings && t.Name == LlamaTensorNames.LmHead))
                .Select(t => $"{t.Name} is no part of a LLaMA"));
        }

        return problems;
    }

    private static string ExplainMissingConfig(string folder)
    {
        var missing = $"{folder} has no {LlamaConfig.FileName}";
        if (File.Exists(Path.Combine(folder, LoraConfig.FileName)))
        {
            return $"{missing}: it is a LoRA adapter, not a model; merge it into its base model first (stage merge).";
        }

        if (Directory.EnumerateFiles(folder, "consolidated.*.pth").Any() || Directory.EnumerateDirectories(folder).Any(sub => Directory.EnumerateFiles(sub, "consolidated.*.pth").Any()))
        {
            return $"{missing}: it holds original weights, which must be converted first (stage convert).";
        }

        return $"{missing}; check that it is the folder of a Hugging Face model.";
    }
}
