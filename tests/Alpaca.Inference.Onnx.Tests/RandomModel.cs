using Alpaca.Formats;

namespace Alpaca.Inference.Onnx.Tests;

/// <summary>A model folder with weights made from a seed, of any shape.</summary>
internal static class RandomModel
{
    /// <summary>Writes <c>config.json</c> and <c>model.safetensors</c>.</summary>
    public static void Write(string folder, LlamaConfig config, int seed)
    {
        var random = new Random(seed);
        config.Save(folder);
        using var writer = new ShardedSafetensorsWriter(folder, [.. LlamaTensorNames.Describe(config)]);
        foreach (var tensor in writer.Tensors)
        {
            var isNorm = tensor.Shape.Count == 1;
            var deviation = isNorm ? 0.1f : tensor.Name == LlamaTensorNames.EmbedTokens ? 0.3f : 1 / MathF.Sqrt(tensor.Shape[1]);
            var values = new float[tensor.ElementCount];
            for (var i = 0; i < values.Length; i++) values[i] = (isNorm ? 1 : 0) + (deviation * Normal());
            var bytes = new byte[tensor.ByteLength];
            TensorConversion.FromFloat32(tensor.DType, values, bytes);
            writer.Write(tensor.Name, 0, bytes);
        }

        writer.Complete();

        float Normal() => MathF.Sqrt(-2 * MathF.Log(1 - random.NextSingle())) * MathF.Cos(MathF.Tau * random.NextSingle());
    }

    /// <summary>The logits of all positions, computed from the weights without ONNX Runtime.</summary>
    public static float[] Logits(string folder, int[] ids)
    {
        using var model = HuggingFaceModel.Open(folder);
        return new StreamedForward(model.Config, new ModelWeights(model.Tensors), ids).Run(new RowPipeline(Alpaca.Abstractions.NullProgress.Instance, CancellationToken.None)).Values;
    }
}
