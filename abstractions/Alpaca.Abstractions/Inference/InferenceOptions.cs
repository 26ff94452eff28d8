namespace Alpaca.Abstractions;

/// <summary>How a model is loaded.</summary>
public sealed record InferenceOptions
{
    /// <summary>The device: <c>cpu</c>, <c>cuda</c> or <c>cuda:1</c>. The default is <c>cpu</c>.</summary>
    public string Device { get; init; } = "cpu";

    /// <summary>Threads for numerics. The default is 0: as many as the machine has cores.</summary>
    public int Threads { get; init; }

    /// <summary>Element type of the weights in memory, where the backend has a choice. The default is <see cref="Precision.Fp32"/>.</summary>
    public Precision Precision { get; init; } = Precision.Fp32;

    /// <summary>The longest sequence, prompt and answer together. The default is 0: the model's own limit.</summary>
    public int ContextLength { get; init; }

    /// <summary>Sequences that are decoded at the same time; more of them wait. Each takes a KV cache of <see cref="ContextLength"/> positions once it grows that long. The default is 16.</summary>
    public int MaxConcurrency { get; init; } = 16;

    /// <summary>Whether a prompt that begins like an earlier sequence takes over that one's keys and values instead of computing them again. The default is <see langword="true"/>.</summary>
    public bool ReusePrefixes { get; init; } = true;

    /// <summary>LoRA adapters to load beside the model, unmerged, for sequences that name one of them (<see cref="GenerationOptions.Adapter"/>). The default is none.</summary>
    public IReadOnlyList<AdapterSource> Adapters { get; init; } = [];
}

/// <summary>A LoRA adapter to load.</summary>
/// <param name="Name">The name by which a sequence chooses it.</param>
/// <param name="Folder">Its PEFT folder.</param>
public sealed record AdapterSource(string Name, string Folder)
{
    /// <summary>What is wrong with the names of adapters that are loaded together, one sentence without a full stop each; none where each has a name of its own.</summary>
    public static IEnumerable<string> ProblemsOfNames(IReadOnlyList<AdapterSource> adapters)
    {
        ArgumentNullException.ThrowIfNull(adapters);
        foreach (var adapter in adapters)
        {
            if (string.IsNullOrWhiteSpace(adapter.Name)) yield return $"The adapter in {adapter.Folder} has no name; give it one";
        }

        foreach (var group in adapters.Where(adapter => !string.IsNullOrWhiteSpace(adapter.Name)).GroupBy(adapter => adapter.Name, StringComparer.Ordinal))
        {
            if (group.Count() > 1) yield return $"{group.Count()} adapters are named '{group.Key}'; give each a name of its own";
        }
    }
}
