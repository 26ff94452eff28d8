namespace Alpaca.Host;

/// <summary>The answer of <c>/v1/embeddings</c>.</summary>
internal sealed record EmbeddingList(string Object, IReadOnlyList<EmbeddingItem> Data, string Model, EmbeddingUsage Usage);

/// <summary>The vector of one input.</summary>
/// <param name="Object"><c>embedding</c>.</param>
/// <param name="Index">Which input.</param>
/// <param name="Embedding">Its numbers.</param>
internal sealed record EmbeddingItem(string Object, int Index, EmbeddingVector Embedding);

/// <summary>How many tokens the inputs had.</summary>
internal sealed record EmbeddingUsage(int PromptTokens, int TotalTokens);
