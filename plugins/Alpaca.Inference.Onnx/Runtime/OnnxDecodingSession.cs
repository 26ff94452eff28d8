using Alpaca.Text;
using Microsoft.ML.OnnxRuntime;

namespace Alpaca.Inference.Onnx;

/// <summary>One sequence: its KV cache and the buffers of its steps.</summary>
/// <remarks>
/// Each layer's cache is one buffer [1, KV heads, capacity, head size] bound as past and as present, so that GroupQueryAttention appends in place. The attention
/// mask has the buffer's length from the start and gains ones as the sequence grows. So a step that decodes one token binds nothing and allocates nothing.
/// </remarks>
internal sealed class OnnxDecodingSession : IDecodingSession
{
    // A prompt is fed in pieces: the graph gives logits for every position of a piece, and with a large vocabulary those are what takes memory.
    private const int PrefillTokens = 256;

    private readonly InferenceSession _session;
    private readonly DecoderSignature _signature;
    private readonly int _capacity;
    private readonly RunOptions _runOptions = new();
    private readonly OrtIoBinding _binding;
    private readonly List<TensorBuffer<float>> _cache = [];
    private readonly TensorBuffer<long> _mask;
    private readonly TensorBuffer<long> _tokenId = new(1, 1);
    private readonly TensorBuffer<float> _tokenLogits;
    private int _length;

    public OnnxDecodingSession(InferenceSession session, DecoderSignature signature, int capacity)
    {
        _session = session;
        _signature = signature;
        _capacity = capacity;
        _binding = session.CreateIoBinding();
        _mask = new TensorBuffer<long>(1, capacity);
        _mask.Span.Clear();
        _tokenLogits = new TensorBuffer<float>(1, 1, signature.VocabularySize);
        _binding.BindInput(DecoderSignature.AttentionMask, _mask.Value);
        BindTokens(_tokenId, _tokenLogits);
        for (var layer = 0; layer < signature.Layers; layer++)
        {
            BindCache(layer, "key");
            BindCache(layer, "value");
        }
    }

    /// <inheritdoc />
    public void Forward(ReadOnlySpan<int> ids, Span<float> lastLogits)
    {
        ArgumentOutOfRangeException.ThrowIfZero(ids.Length, nameof(ids));
        ArgumentOutOfRangeException.ThrowIfGreaterThan(ids.Length, _capacity - _length, nameof(ids));
        for (; ids.Length > PrefillTokens; ids = ids[PrefillTokens..]) Prefill(ids[..PrefillTokens], []);
        if (ids.Length > 1) Prefill(ids, lastLogits);
        else Decode(ids[0], lastLogits);
    }

    /// <inheritdoc />
    public void Dispose()
    {
        _binding.Dispose();
        _runOptions.Dispose();
        _mask.Dispose();
        _tokenId.Dispose();
        _tokenLogits.Dispose();
        foreach (var buffer in _cache) buffer.Dispose();
    }

    private void Decode(int id, Span<float> logits)
    {
        _tokenId.Span[0] = id;
        Run(1);
        _tokenLogits.Span.CopyTo(logits);
    }

    /// <summary>Feeds several tokens; copies the logits of the last one unless <paramref name="lastLogits"/> is empty.</summary>
    private void Prefill(ReadOnlySpan<int> ids, Span<float> lastLogits)
    {
        using var input = new TensorBuffer<long>(1, ids.Length);
        using var logits = new TensorBuffer<float>(1, ids.Length, _signature.VocabularySize);
        for (var i = 0; i < ids.Length; i++) input.Span[i] = ids[i];
        BindTokens(input, logits);
        try
        {
            Run(ids.Length);
            if (!lastLogits.IsEmpty) logits.Span[((ids.Length - 1) * _signature.VocabularySize)..].CopyTo(lastLogits);
        }
        finally
        {
            BindTokens(_tokenId, _tokenLogits);
        }
    }

    private void Run(int tokens)
    {
        _mask.Span.Slice(_length, tokens).Fill(1);
        _session.RunWithBinding(_runOptions, _binding);
        _length += tokens;
    }

    private void BindTokens(TensorBuffer<long> ids, TensorBuffer<float> logits)
    {
        _binding.BindInput(DecoderSignature.InputIds, ids.Value);
        _binding.BindOutput(DecoderSignature.Logits, logits.Value);
    }

    private void BindCache(int layer, string part)
    {
        var buffer = new TensorBuffer<float>(1, _signature.KeyValueHeads, _capacity, _signature.HeadSize);
        _cache.Add(buffer);
        _binding.BindInput(DecoderSignature.Past(layer, part), buffer.Value);
        _binding.BindOutput(DecoderSignature.Present(layer, part), buffer.Value);
    }
}
