using Alpaca.Formats;

namespace Alpaca.TestSupport;

/// <summary>Small original checkpoints of random bytes.</summary>
internal static class OriginalCheckpoint
{
    public static LlamaConfig Config(int heads, int keyHeads, int headDim, DType dtype, int vocabulary) => new()
    {
        HiddenSize = heads * headDim, IntermediateSize = heads * headDim * 3, NumHiddenLayers = 2, NumAttentionHeads = heads, NumKeyValueHeads = keyHeads, VocabSize = vocabulary, TorchDType = dtype,
    };

    /// <summary>Writes a checkpoint and returns the whole tensors' bytes by Hugging Face's names, in its order.</summary>
    public static Dictionary<string, byte[]> Write(string folder, LlamaConfig config, int shards, MetaSplit? embeddingSplit = null, string? without = null)
    {
        var random = new Random(7);
        var tensors = LlamaTensorNames.Describe(config).ToDictionary(t => t.Name, t =>
        {
            var bytes = new byte[t.ByteLength];
            random.NextBytes(bytes);
            return bytes;
        }, StringComparer.Ordinal);
        if (without is not null)
        {
            tensors.Remove(without);
        }

        using var writer = new MetaModelWriter(folder, config, [.. LlamaTensorNames.Describe(config).Where(t => t.Name != without)], shards, embeddingSplit);
        foreach (var (name, bytes) in tensors)
        {
            writer.Write(name, 0, bytes);
        }

        writer.Complete();
        File.WriteAllText(Path.Combine(folder, MetaParameters.FileName), MetaLayout.ParametersOf(config).ToJson());
        return tensors;
    }
}
