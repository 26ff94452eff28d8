using Alpaca.Formats;

namespace Alpaca.Host;

/// <summary>The shape of a model to make weights for.</summary>
/// <param name="Name">Meta's name, or one for a small model.</param>
/// <param name="Shards">Shards of the original checkpoint.</param>
/// <param name="GrownVocabulary">Rows of embedding and output layer that an adapter brings.</param>
/// <param name="Config">Everything else.</param>
internal sealed record WeightShape(string Name, int Shards, int GrownVocabulary, LlamaConfig Config)
{
    // Chinese-Alpaca's vocabulary.
    private const int ChineseAlpaca = 49_954;

    /// <summary>The shapes there are.</summary>
    public static IReadOnlyList<WeightShape> All { get; } =
    [
        new("tiny", 2, 416, Llama(64, 172, 2, 4, 4) with { VocabSize = 320 }),
        new("10M", 1, 2_094, Llama(384, 1024, 5, 6, 6) with { VocabSize = 1_024 }), // the vocabularies of samples/, before and after they are merged
        new("58M", 1, ChineseAlpaca, Llama(512, 1376, 8, 8, 8)),
        new("242M", 1, ChineseAlpaca, Llama(2048, 5632, 4, 32, 4)), // a slice of a model with grouped queries: few layers, but each as wide as in a real one
        new("7B", 1, ChineseAlpaca, Llama(4096, 11008, 32, 32, 32)),
        new("13B", 2, ChineseAlpaca, Llama(5120, 13824, 40, 40, 40)),
        new("30B", 4, ChineseAlpaca, Llama(6656, 17920, 60, 52, 52)),
        new("65B", 8, ChineseAlpaca, Llama(8192, 22016, 80, 64, 64)),
        new("70B", 8, ChineseAlpaca, Llama(8192, 28672, 80, 64, 8)),
    ];

    /// <summary>The dimensions of a LLaMA with a vocabulary of 32,000.</summary>
    public static LlamaConfig Llama(int hidden, int feedForward, int layers, int heads, int keyValueHeads) => new()
    {
        HiddenSize = hidden,
        IntermediateSize = feedForward,
        NumHiddenLayers = layers,
        NumAttentionHeads = heads,
        NumKeyValueHeads = keyValueHeads,
        VocabSize = 32_000,
    };
}
