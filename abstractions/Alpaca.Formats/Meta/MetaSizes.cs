namespace Alpaca.Formats;

/// <summary>The sizes that Meta released, by the names of their folders.</summary>
public static class MetaSizes
{
    // LLaMA 1, and those that Llama 2 and its relatives added.
    private static readonly Dictionary<string, int> ShardCounts = new(StringComparer.OrdinalIgnoreCase)
    {
        ["7B"] = 1, ["13B"] = 2, ["30B"] = 4, ["65B"] = 8,
        ["7Bf"] = 1, ["8B"] = 1, ["13Bf"] = 2, ["33B"] = 4, ["34B"] = 4, ["70B"] = 8, ["70Bf"] = 8,
    };

    /// <summary>How many <c>consolidated.NN.pth</c> a size has.</summary>
    /// <param name="size">The folder's name, for example <c>13B</c>; compared without case.</param>
    /// <param name="shards">The number.</param>
    /// <returns>Whether the name is one of Meta's.</returns>
    public static bool TryGetShardCount(string size, out int shards) => ShardCounts.TryGetValue(size, out shards);
}
