namespace Alpaca.Formats;

/// <summary>How a tensor of the original checkpoint is spread over its shards.</summary>
public enum MetaSplit
{
    /// <summary>The same in every shard.</summary>
    Replicated,

    /// <summary>Each shard has some of the rows.</summary>
    Rows,

    /// <summary>Each shard has some of the columns.</summary>
    Columns,
}

/// <summary>Which heads' rows are stored in another order in the two layouts; see <see cref="RotaryPermutation"/>.</summary>
public enum MetaRotation
{
    /// <summary>None: the rows are the same.</summary>
    None,

    /// <summary>The rows of the query heads.</summary>
    Queries,

    /// <summary>The rows of the key heads.</summary>
    Keys,
}

/// <summary>A tensor in both layouts.</summary>
/// <param name="Meta">Its name in the original checkpoint.</param>
/// <param name="HuggingFace">Its name in Hugging Face's layout.</param>
/// <param name="Split">How the original shards share it.</param>
/// <param name="Rotation">Whether the order of its rows differs.</param>
public sealed record MetaTensor(string Meta, string HuggingFace, MetaSplit Split, MetaRotation Rotation = MetaRotation.None);

/// <summary>The tensors of the original checkpoint and their names in Hugging Face's layout.</summary>
public static class MetaTensorNames
{
    /// <summary>The embedding.</summary>
    public const string TokEmbeddings = "tok_embeddings.weight";

    /// <summary>The output layer.</summary>
    public const string Output = "output.weight";

    /// <summary>The rotary frequencies, which every reader recomputes.</summary>
    public const string RopeFrequencies = "rope.freqs";

    /// <summary>The name of a shard's file: <c>consolidated.00.pth</c>.</summary>
    public static string ShardFile(int shard) => $"consolidated.{shard:D2}.pth";

    /// <summary>The prefix of a layer's tensors in the original checkpoint, with the dot at the end.</summary>
    public static string Layer(int layer) => $"layers.{layer}.";

    /// <summary>All tensors of a model, in the order of Hugging Face's state_dict.</summary>
    /// <param name="layers">The number of decoder layers.</param>
    /// <param name="embeddingSplit">How the shards share the embedding: by columns, as LLaMA 1 and 2 do, or by rows, as Llama 3 does.</param>
    public static IEnumerable<MetaTensor> Enumerate(int layers, MetaSplit embeddingSplit = MetaSplit.Columns)
    {
        yield return new(TokEmbeddings, LlamaTensorNames.EmbedTokens, embeddingSplit);
        for (var i = 0; i < layers; i++)
        {
            var meta = Layer(i);
            yield return new($"{meta}attention.wq.weight", LlamaTensorNames.Projection(i, "q_proj"), MetaSplit.Rows, MetaRotation.Queries);
            yield return new($"{meta}attention.wk.weight", LlamaTensorNames.Projection(i, "k_proj"), MetaSplit.Rows, MetaRotation.Keys);
            yield return new($"{meta}attention.wv.weight", LlamaTensorNames.Projection(i, "v_proj"), MetaSplit.Rows);
            yield return new($"{meta}attention.wo.weight", LlamaTensorNames.Projection(i, "o_proj"), MetaSplit.Columns);
            yield return new($"{meta}feed_forward.w1.weight", LlamaTensorNames.Projection(i, "gate_proj"), MetaSplit.Rows);
            yield return new($"{meta}feed_forward.w2.weight", LlamaTensorNames.Projection(i, "down_proj"), MetaSplit.Columns);
            yield return new($"{meta}feed_forward.w3.weight", LlamaTensorNames.Projection(i, "up_proj"), MetaSplit.Rows);
            yield return new($"{meta}attention_norm.weight", LlamaTensorNames.InputLayerNorm(i), MetaSplit.Replicated);
            yield return new($"{meta}ffn_norm.weight", LlamaTensorNames.PostAttentionLayerNorm(i), MetaSplit.Replicated);
        }

        yield return new("norm.weight", LlamaTensorNames.Norm, MetaSplit.Replicated);
        yield return new(Output, LlamaTensorNames.LmHead, MetaSplit.Rows);
    }
}
