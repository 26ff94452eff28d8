using Alpaca.Formats;
using static TorchSharp.torch;

namespace Alpaca.Llama.Tests;

/// <summary>Small models with random weights.</summary>
internal static class TinyModels
{
    /// <summary>Two layers, four query heads over two key-value heads of size 8.</summary>
    public static LlamaConfig Config { get; } = new()
    {
        HiddenSize = 32,
        IntermediateSize = 48,
        NumHiddenLayers = 2,
        NumAttentionHeads = 4,
        NumKeyValueHeads = 2,
        HeadDim = 8,
        VocabSize = 50,
        RopeTheta = 500000,
        MaxPositionEmbeddings = 128,
    };

    public static LlamaModel Create(LlamaConfig? config = null, LlamaModelOptions? options = null)
    {
        using var weights = MemoryTensors.Random(config ?? Config);
        return new LlamaModel(config ?? Config, weights, options ?? new LlamaModelOptions());
    }

    /// <summary>[1, count] ids, different from one another for most counts.</summary>
    public static Tensor Ids(int count, int start = 3) => tensor([.. Enumerable.Range(0, count).Select(i => (long)((start + i * 7) % Config.VocabSize))]).unsqueeze(0);

    /// <summary>The largest difference between two tensors of one shape.</summary>
    public static float MaxDifference(Tensor actual, Tensor expected)
    {
        actual.shape.Should().Equal(expected.shape);
        return (actual - expected).abs().max().item<float>();
    }
}
