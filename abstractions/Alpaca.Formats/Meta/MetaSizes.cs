namespace Alpaca.Formats;

/// <summary>A size that Meta released.</summary>
/// <param name="Name">Its name, which is also its folder's: <c>13B</c>.</param>
/// <param name="Dim">Width of the residual stream.</param>
/// <param name="Layers">Number of decoder layers.</param>
/// <param name="Shards">How many <c>consolidated.NN.pth</c> it has.</param>
public sealed record MetaSize(string Name, int Dim, int Layers, int Shards);

/// <summary>The sizes that Meta released, by the names of their folders.</summary>
public static class MetaSizes
{
    private static readonly MetaSize[] All =
    [
        new("7B", 4096, 32, 1), new("13B", 5120, 40, 2), new("30B", 6656, 60, 4), new("33B", 6656, 60, 4), new("65B", 8192, 80, 8), // LLaMA 1
        new("34B", 8192, 48, 4), new("70B", 8192, 80, 8),                                                                           // Llama 2, Code Llama
        new("1B", 2048, 16, 1), new("3B", 3072, 28, 1), new("8B", 4096, 32, 1), new("405B", 16384, 126, 8),                         // Llama 3
    ];

    /// <summary>A size by its name.</summary>
    /// <param name="name">For example <c>13B</c>, or <c>13Bf</c> for the fine-tuned one of that size; compared without case.</param>
    /// <returns>The size, or <see langword="null"/> when the name is none of Meta's.</returns>
    public static MetaSize? Find(string name)
    {
        ArgumentNullException.ThrowIfNull(name);
        var size = name.EndsWith("Bf", StringComparison.OrdinalIgnoreCase) ? name[..^1] : name;
        return Array.Find(All, s => s.Name.Equals(size, StringComparison.OrdinalIgnoreCase));
    }

    /// <summary>How many shards a size has.</summary>
    /// <param name="size">Its name, as for <see cref="Find(string)"/>.</param>
    /// <param name="shards">The number.</param>
    /// <returns>Whether the name is one of Meta's.</returns>
    public static bool TryGetShardCount(string size, out int shards)
    {
        var found = Find(size);
        shards = found?.Shards ?? 0;
        return found is not null;
    }

    /// <summary>How many shards Meta's model of that shape has, or of that width where it has none of that many layers; 1 for any other width.</summary>
    /// <param name="dim">Width of the residual stream.</param>
    /// <param name="layers">Number of decoder layers.</param>
    public static int ShardCount(int dim, int layers) =>
        (Array.Find(All, s => s.Dim == dim && s.Layers == layers) ?? Array.Find(All, s => s.Dim == dim))?.Shards ?? 1;
}
