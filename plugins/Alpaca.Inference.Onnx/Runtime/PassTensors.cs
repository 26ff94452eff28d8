using System.Numerics.Tensors;
using Microsoft.ML.OnnxRuntime;
using Microsoft.ML.OnnxRuntime.Tensors;

namespace Alpaca.Inference.Onnx;

/// <summary>The tensors of a pass other than the KV cache: ids, mask, positions, logits.</summary>
/// <remarks>Their memory is kept from pass to pass and grows when a pass needs more, which <see cref="Generation"/> tells.</remarks>
internal sealed class PassTensors(DecoderSignature signature) : IDisposable
{
    private readonly NativeBuffer _kept = new(sizeof(long));
    private NativeBuffer _ids = new(sizeof(long));
    private NativeBuffer _positions = new(sizeof(long));
    private NativeBuffer _mask = new(sizeof(long));
    private NativeBuffer _logits = new(sizeof(float));
    private NativeBuffer _hidden = new(sizeof(float));
    private float[] _widened = [];

    /// <summary>Changes when tensors that were bound before have lost their memory.</summary>
    public int Generation { get; private set; }

    /// <summary>Writes the inputs of a pass.</summary>
    /// <param name="pass">The pass.</param>
    /// <param name="ids">[rows * tokens]</param>
    /// <param name="positions">Where the first id of each row goes, [rows].</param>
    /// <param name="wantsAllLogits">Whether all positions get logits rather than the last one.</param>
    /// <param name="hiddenSize">Elements of a hidden state where those are wanted, otherwise 0.</param>
    public void Fill(Pass pass, ReadOnlySpan<int> ids, ReadOnlySpan<int> positions, bool wantsAllLogits, int hiddenSize = 0)
    {
        Grow(ref _ids, ids.Length, sizeof(long));
        Grow(ref _mask, (long)pass.Rows * pass.Width, sizeof(long));
        Grow(ref _logits, (long)pass.Rows * pass.LogitRows * signature.VocabularySize, ElementTypes.Size(signature.LogitsType)!.Value);
        Grow(ref _hidden, (long)pass.Rows * pass.Tokens * hiddenSize, sizeof(float));
        _kept.Span<long>(1)[0] = wantsAllLogits ? 0 : 1;
        TensorPrimitives.ConvertChecked(ids, _ids.Span<long>(ids.Length));
        var mask = _mask.Span<long>(pass.Rows * pass.Width); // [rows, width]
        for (var row = 0; row < pass.Rows; row++)
        {
            var length = positions[row] + pass.Tokens;
            mask.Slice(row * pass.Width, length).Fill(1);
            mask[(row * pass.Width + length)..((row + 1) * pass.Width)].Clear();
        }

        if (signature.HasPositions) FillPositions(pass, positions);
    }

    /// <summary>Lays tensors of a pass's shapes over the memory.</summary>
    /// <param name="pass">The pass.</param>
    /// <param name="bind">Gets the name of an input or output, the tensor, which it owns, and whether it is an output.</param>
    /// <param name="hiddenSize">Elements of a hidden state where those are wanted, otherwise 0.</param>
    public void Bind(Pass pass, Action<string, OrtValue, bool> bind, int hiddenSize = 0)
    {
        var (rows, tokens) = (pass.Rows, pass.Tokens);
        bind(DecoderSignature.InputIds, _ids.Tensor(TensorElementType.Int64, rows, tokens), false);
        bind(DecoderSignature.AttentionMask, _mask.Tensor(TensorElementType.Int64, rows, pass.Width), false);
        if (signature.HasPositions) bind(DecoderSignature.PositionIds, _positions.Tensor(TensorElementType.Int64, rows, tokens), false);
        if (signature.ChoosesLogits) bind(DecoderSignature.KeptLogits, _kept.Tensor(TensorElementType.Int64), false);
        bind(DecoderSignature.Logits, _logits.Tensor(signature.LogitsType, rows, pass.LogitRows, signature.VocabularySize), true);
        if (hiddenSize > 0) bind(DecoderSignature.HiddenStates, _hidden.Tensor(TensorElementType.Float, rows, tokens, hiddenSize), true);
    }

    /// <summary>The logits of the last positions of a pass, [rows, vocabulary] for <paramref name="count"/> rows.</summary>
    public ReadOnlySpan<float> LastLogits(Pass pass, int count)
    {
        var (all, wanted) = (pass.Rows * pass.LogitRows * signature.VocabularySize, count * signature.VocabularySize);
        if (signature.LogitsType == TensorElementType.Float) return _logits.Span<float>(all)[^wanted..];
        if (_widened.Length < wanted) _widened = new float[wanted];
        TensorPrimitives.ConvertToSingle(_logits.Span<Half>(all)[^wanted..], _widened);
        return _widened.AsSpan(0, wanted);
    }

    /// <summary>The hidden states of a pass, [tokens * hidden size].</summary>
    public ReadOnlySpan<float> HiddenStates(Pass pass, int hiddenSize) => _hidden.Span<float>(pass.Tokens * hiddenSize);

    /// <inheritdoc />
    public void Dispose()
    {
        foreach (var buffer in (NativeBuffer[])[_kept, _ids, _positions, _mask, _logits, _hidden]) buffer.Dispose();
    }

    private void FillPositions(Pass pass, ReadOnlySpan<int> positions)
    {
        Grow(ref _positions, pass.Rows * pass.Tokens, sizeof(long));
        var target = _positions.Span<long>(pass.Rows * pass.Tokens); // [rows, tokens]
        for (var i = 0; i < target.Length; i++) target[i] = positions[i / pass.Tokens] + (i % pass.Tokens);
    }

    private void Grow(ref NativeBuffer buffer, long elements, int size)
    {
        if (buffer.Length >= elements * size) return;
        var larger = new NativeBuffer(elements * size);
        buffer.Dispose();
        buffer = larger;
        Generation++;
    }
}
