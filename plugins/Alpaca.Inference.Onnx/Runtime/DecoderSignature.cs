using Alpaca.Abstractions;
using Microsoft.ML.OnnxRuntime;
using Microsoft.ML.OnnxRuntime.Tensors;

namespace Alpaca.Inference.Onnx;

/// <summary>What a decoder's graph declares of its inputs and outputs.</summary>
internal sealed record DecoderSignature
{
    public const string InputIds = "input_ids";
    public const string AttentionMask = "attention_mask";
    public const string PositionIds = "position_ids";
    public const string Logits = "logits";
    public const string KeptLogits = LlamaGraph.KeptLogits;
    public const string HiddenStates = LlamaGraph.HiddenStates;

    /// <summary>Decoder layers.</summary>
    public required int Layers { get; init; }

    /// <summary>Heads of the KV cache.</summary>
    public required int KeyValueHeads { get; init; }

    /// <summary>Elements of a head.</summary>
    public required int HeadSize { get; init; }

    /// <summary>Element type of the KV cache.</summary>
    public required TensorElementType CacheType { get; init; }

    /// <summary>Logits per position.</summary>
    public required int VocabularySize { get; init; }

    /// <summary>Element type of the logits: float32 or float16.</summary>
    public required TensorElementType LogitsType { get; init; }

    /// <summary>Whether a layer appends to its cache in place when one buffer is bound as past and as present.</summary>
    public required bool SharesCache { get; init; }

    /// <summary>Whether the graph wants positions beside the mask.</summary>
    public bool HasPositions { get; init; }

    /// <summary>Whether the graph can be told to give the last position's logits only; otherwise it gives all positions'.</summary>
    public bool ChoosesLogits { get; init; }

    /// <summary>Whether the graph gives the last hidden states.</summary>
    public bool HasHiddenStates { get; init; }

    /// <summary>Whether LoRA matrices can be fed.</summary>
    public bool TakesAdapters { get; init; }

    /// <summary>Inputs that need not be fed, with their declared types and sizes.</summary>
    public required IReadOnlyDictionary<string, NodeMetadata> Optional { get; init; }

    /// <summary>The input that takes a layer's cache.</summary>
    public static string Past(int layer, string part) => $"past_key_values.{layer}.{part}";

    /// <summary>The output that gives a layer's cache.</summary>
    public static string Present(int layer, string part) => $"present.{layer}.{part}";

    /// <summary>Inputs and outputs of the cache: layer by layer, keys before values.</summary>
    public IEnumerable<(string Past, string Present)> CacheNames()
    {
        for (var layer = 0; layer < Layers; layer++)
        {
            yield return (Past(layer, "key"), Present(layer, "key"));
            yield return (Past(layer, "value"), Present(layer, "value"));
        }
    }

    /// <summary>Reads the signature of a loaded model.</summary>
    /// <exception cref="AlpacaException">The graph is no decoder with a KV cache; the message says what is missing.</exception>
    public static DecoderSignature Read(InferenceSession session, string modelFile)
    {
        var (inputs, outputs) = (session.InputMetadata, session.OutputMetadata);
        if (!inputs.TryGetValue(Past(0, "key"), out var cache) || cache.Dimensions is not [_, > 0, _, > 0] || ElementTypes.Size(cache.ElementDataType) is null)
            throw Foreign($"no floating-point input {Past(0, "key")} with fixed heads and head size");
        if (!outputs.TryGetValue(Logits, out var logits) || logits.Dimensions is not [_, _, > 0] || logits.ElementDataType is not (TensorElementType.Float or TensorElementType.Float16))
            throw Foreign($"no floating-point output {Logits} with a fixed vocabulary");

        var layers = 1;
        while (inputs.ContainsKey(Past(layers, "key"))) layers++;
        var signature = new DecoderSignature
        {
            Layers = layers,
            KeyValueHeads = cache.Dimensions[1],
            HeadSize = cache.Dimensions[3],
            CacheType = cache.ElementDataType,
            VocabularySize = logits.Dimensions[2],
            LogitsType = logits.ElementDataType,
            SharesCache = Shares(session.ModelMetadata),
            HasPositions = inputs.ContainsKey(PositionIds),
            ChoosesLogits = session.OverridableInitializerMetadata.ContainsKey(KeptLogits) || inputs.ContainsKey(KeptLogits),
            HasHiddenStates = outputs.TryGetValue(HiddenStates, out var hidden) && hidden.ElementDataType == TensorElementType.Float,
            TakesAdapters = session.ModelMetadata.CustomMetadataMap.GetValueOrDefault(GraphMetadata.AdapterInputs) == "true",
            Optional = session.OverridableInitializerMetadata,
        };

        var fed = signature.CacheNames().Select(names => names.Past).Append(InputIds).Append(AttentionMask).ToHashSet();
        if (fed.FirstOrDefault(name => !inputs.ContainsKey(name)) is { } missing) throw Foreign($"no input {missing}");
        if (inputs.Keys.FirstOrDefault(name => name is not (PositionIds or KeptLogits) && !fed.Contains(name)) is { } unknown) throw Foreign($"an input {unknown} that this backend does not feed");
        if (signature.CacheNames().FirstOrDefault(names => !outputs.ContainsKey(names.Present)) is { Present: { } absent }) throw Foreign($"no output {absent}");
        return signature;

        AlpacaException Foreign(string what) => new($"{modelFile} has {what}; make the model with the export stage.");
    }

    /// <summary>Ours say so; those of the first version do not, but all have GroupQueryAttention. Of others nobody knows, and a cache that grows is right for all.</summary>
    private static bool Shares(ModelMetadata metadata)
        => metadata.CustomMetadataMap.TryGetValue(GraphMetadata.KvCache, out var kind) ? kind == GraphMetadata.Shared : metadata.ProducerName == OnnxWriter.Producer;
}
