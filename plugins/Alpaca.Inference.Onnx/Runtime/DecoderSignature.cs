using Alpaca.Abstractions;
using Microsoft.ML.OnnxRuntime;
using Microsoft.ML.OnnxRuntime.Tensors;

namespace Alpaca.Inference.Onnx;

/// <summary>The sizes of a decoder as its graph's inputs and outputs declare them.</summary>
/// <param name="Layers">Decoder layers.</param>
/// <param name="KeyValueHeads">Heads of the KV cache.</param>
/// <param name="HeadSize">Elements of a head.</param>
/// <param name="VocabularySize">Logits per position.</param>
internal sealed record DecoderSignature(int Layers, int KeyValueHeads, int HeadSize, int VocabularySize)
{
    public const string InputIds = "input_ids";
    public const string AttentionMask = "attention_mask";
    public const string Logits = "logits";

    /// <summary>The input that takes a layer's cache.</summary>
    public static string Past(int layer, string part) => $"past_key_values.{layer}.{part}";

    /// <summary>The output that gives a layer's cache.</summary>
    public static string Present(int layer, string part) => $"present.{layer}.{part}";

    /// <summary>Reads the signature of a loaded model.</summary>
    /// <exception cref="AlpacaException">The graph is no decoder with a KV cache as <see cref="LlamaGraph"/> describes it; the message says what is missing.</exception>
    public static DecoderSignature Read(InferenceSession session, string modelFile)
    {
        var (inputs, outputs) = (session.InputMetadata, session.OutputMetadata);
        if (!inputs.TryGetValue(Past(0, "key"), out var cache) || cache.Dimensions is not [_, > 0, _, > 0] || cache.ElementDataType != TensorElementType.Float)
            throw Foreign($"no float32 input {Past(0, "key")} with fixed heads and head size");
        if (!outputs.TryGetValue(Logits, out var logits) || logits.Dimensions is not [_, _, > 0] || logits.ElementDataType != TensorElementType.Float)
            throw Foreign($"no float32 output {Logits} with a fixed vocabulary");

        var layers = 1;
        while (inputs.ContainsKey(Past(layers, "key"))) layers++;
        var fed = Enumerable.Range(0, layers).SelectMany(layer => new[] { Past(layer, "key"), Past(layer, "value") }).Append(InputIds).Append(AttentionMask).ToHashSet();
        if (fed.FirstOrDefault(name => !inputs.ContainsKey(name)) is { } missing) throw Foreign($"no input {missing}");
        if (inputs.Keys.FirstOrDefault(name => !fed.Contains(name)) is { } unknown) throw Foreign($"an input {unknown} that this backend does not feed");
        return new DecoderSignature(layers, cache.Dimensions[1], cache.Dimensions[3], logits.Dimensions[2]);

        AlpacaException Foreign(string what) => new($"{modelFile} has {what}; make the model with the export stage.");
    }
}
