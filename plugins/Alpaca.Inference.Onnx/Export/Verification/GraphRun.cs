using Alpaca.Formats;
using Microsoft.ML.OnnxRuntime;

namespace Alpaca.Inference.Onnx;

/// <summary>Runs an exported decoder on one sequence with ONNX Runtime, as other clients do: each step's present is the next one's past.</summary>
internal sealed class GraphRun : IDisposable
{
    private readonly InferenceSession _session;
    private readonly RunOptions _options = new();
    private readonly string[] _cacheInputs;
    private readonly string[] _outputs;
    private readonly IReadOnlyDictionary<string, OrtValue> _fed;
    private IReadOnlyList<OrtValue> _cache;
    private int _length;

    /// <param name="session">The loaded graph; not disposed here.</param>
    /// <param name="config">The model.</param>
    /// <param name="fed">Inputs that are fed in every step beside ids, mask and cache.</param>
    public GraphRun(InferenceSession session, LlamaConfig config, IReadOnlyDictionary<string, OrtValue>? fed = null)
    {
        _session = session;
        _fed = fed ?? new Dictionary<string, OrtValue>();
        string[] Names(string prefix) => [.. Enumerable.Range(0, config.NumHiddenLayers).SelectMany(layer => new[] { $"{prefix}.{layer}.key", $"{prefix}.{layer}.value" })];
        _cacheInputs = Names("past_key_values");
        _outputs = ["logits", LlamaGraph.HiddenStates, .. Names("present")];
        var type = session.InputMetadata[_cacheInputs[0]].ElementDataType;
        _cache = [.. _cacheInputs.Select(_ => OrtValue.CreateAllocatedTensorValue(OrtAllocator.DefaultInstance, type, [1, config.NumKeyValueHeads, 0, config.HeadDim]))];
    }

    /// <summary>The hidden states of the last step, [T, hidden].</summary>
    public float[] HiddenStates { get; private set; } = [];

    /// <summary>Appends ids to the sequence.</summary>
    /// <returns>The logits that the graph gave, by default [T, vocabulary].</returns>
    public float[] Step(ReadOnlySpan<int> ids)
    {
        var tokens = new long[ids.Length];
        for (var i = 0; i < tokens.Length; i++) tokens[i] = ids[i];
        _length += ids.Length;
        var mask = new long[_length];
        Array.Fill(mask, 1);
        using var input = OrtValue.CreateTensorValueFromMemory(tokens, [1, tokens.Length]);
        using var ones = OrtValue.CreateTensorValueFromMemory(mask, [1, _length]);
        var results = _session.Run(_options, ["input_ids", "attention_mask", .. _cacheInputs, .. _fed.Keys], [input, ones, .. _cache, .. _fed.Values], _outputs);
        Release();
        using var logits = results[0];
        using var hidden = results[1];
        _cache = [.. results.Skip(2)];
        HiddenStates = hidden.GetTensorDataAsSpan<float>().ToArray();
        return logits.GetTensorDataAsSpan<float>().ToArray();
    }

    public void Dispose()
    {
        Release();
        _options.Dispose();
    }

    private void Release()
    {
        foreach (var value in _cache) value.Dispose();
    }
}
