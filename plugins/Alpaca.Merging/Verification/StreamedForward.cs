using System.Numerics.Tensors;
using Alpaca.Abstractions;
using Alpaca.Formats;

namespace Alpaca.Merging;

/// <summary>A LLaMA's logits for a short prompt, computed while its weights pass by a few rows at a time: a model of any size in a few MB.</summary>
/// <remarks>
/// The decoder of meta-llama <c>model.py</c> in float32: pre-normalised attention with rotary positions, then SwiGLU, each added to the residual stream. Steps must be
/// called in the order of the model: <see cref="Embed"/>, <see cref="Layer"/> for each layer, <see cref="Head"/>.
/// </remarks>
internal sealed class StreamedForward
{
    // Rows at once that stay in a core's cache while all positions are multiplied with them.
    private const int BlockElements = 32 << 10;

    private readonly LlamaConfig _config;
    private readonly IStreamedWeights _weights;
    private readonly IReadOnlyList<int> _ids;
    private readonly float[] _frequencies;                                                // [hd/2]
    private readonly Activations _residual;                                               // [T, H]
    private readonly RowPipeline _pipeline;

    public StreamedForward(LlamaConfig config, IStreamedWeights weights, IReadOnlyList<int> ids, CancellationToken cancellationToken)
    {
        _config = config;
        _weights = weights;
        _ids = ids;
        _frequencies = RotaryFrequencies.Of(config);
        _residual = new Activations(ids.Count, config.HiddenSize);
        _pipeline = new RowPipeline(NullProgress.Instance, cancellationToken);
    }

    public void Embed()
    {
        for (var t = 0; t < _ids.Count; t++)
        {
            _weights.ReadRows(LlamaTensorNames.EmbedTokens, _ids[t], _residual[t]);
        }
    }

    public void Layer(int layer)
    {
        var x = Normalize(_residual, LlamaTensorNames.InputLayerNorm(layer));             // [T, H]
        var projected = Multiply(x, Projections(layer, "q_proj", "k_proj", "v_proj"));    // [T, heads·hd], [T, kvHeads·hd] twice
        Rotate(projected[0]);
        Rotate(projected[1]);
        var attended = Attend(projected[0], projected[1], projected[2]);                  // [T, heads·hd]
        Add(Multiply(attended, Projections(layer, "o_proj"))[0]);

        x = Normalize(_residual, LlamaTensorNames.PostAttentionLayerNorm(layer));         // [T, H]
        projected = Multiply(x, Projections(layer, "gate_proj", "up_proj"));              // [T, F] twice
        Add(Multiply(Gate(projected[0], projected[1]), Projections(layer, "down_proj"))[0]);
    }

    /// <returns>The logits, [T, vocabulary].</returns>
    public Activations Head() =>
        Multiply(Normalize(_residual, LlamaTensorNames.Norm), [_config.TieWordEmbeddings ? LlamaTensorNames.EmbedTokens : LlamaTensorNames.LmHead])[0];

    private static string[] Projections(int layer, params string[] names) => [.. names.Select(name => LlamaTensorNames.Projection(layer, name))];

    private void Add(Activations update) => TensorPrimitives.Add(_residual.Values, update.Values, _residual.Values);

    // y = x / sqrt(mean(x²) + eps) · weight
    private Activations Normalize(Activations x, string weightName)
    {
        var weight = new float[x.Width];
        _weights.ReadRows(weightName, 0, weight);
        var y = new Activations(x.Positions, x.Width);
        for (var t = 0; t < x.Positions; t++)
        {
            var meanSquare = TensorPrimitives.SumOfSquares<float>(x[t]) / x.Width;
            TensorPrimitives.Multiply(x[t], 1f / MathF.Sqrt(meanSquare + (float)_config.RmsNormEps), y[t]);
            TensorPrimitives.Multiply(y[t], weight, y[t]);
        }

        return y;
    }

    // y = x Wᵀ for several weights at once, so that no thread waits between them. A thread makes some columns of y, which are rows of W.
    private Activations[] Multiply(Activations x, string[] names)
    {
        var products = names.Select(name => new Activations(x.Positions, (int)_weights.Describe(name).Shape[0])).ToArray();
        _pipeline.Run(names.Select((name, i) => RowTask.For(_weights.Describe(name), 1, chunk =>
        {
            var blockRows = Math.Max(1, BlockElements / x.Width);
            for (var first = 0; first < chunk.Rows; first += blockRows)
            {
                var count = Math.Min(blockRows, chunk.Rows - first);
                var rows = chunk.Scratch.Get<float>(0, count * x.Width);
                _weights.ReadRows(name, chunk.FirstRow + first, rows);
                RowProducts.Multiply(rows, x, products[i], (int)chunk.FirstRow + first);
            }
        })));
        for (var i = 0; i < names.Length; i++)
        {
            _weights.AddUpdates(names[i], x, products[i]);
        }

        return products;
    }

    // Coordinate j of a head turns with coordinate j + hd/2, by position times frequency j.
    private void Rotate(Activations x)
    {
        var half = _frequencies.Length;
        for (var t = 0; t < x.Positions; t++)
        {
            for (var head = 0; head < x.Width / _config.HeadDim; head++)
            {
                var vector = x[t].Slice(head * _config.HeadDim, _config.HeadDim);
                for (var j = 0; j < half; j++)
                {
                    var (sin, cos) = MathF.SinCos(t * _frequencies[j]);
                    (vector[j], vector[j + half]) = ((vector[j] * cos) - (vector[j + half] * sin), (vector[j + half] * cos) + (vector[j] * sin));
                }
            }
        }
    }

    // softmax(q kᵀ / sqrt(hd)) v, each position seeing itself and those before it; query heads of a group share a key-value head.
    private Activations Attend(Activations q, Activations k, Activations v)
    {
        var width = _config.HeadDim;
        var group = _config.NumAttentionHeads / _config.NumKeyValueHeads;
        var scale = 1f / MathF.Sqrt(width);
        var y = new Activations(q.Positions, q.Width);
        Span<float> scores = stackalloc float[q.Positions];
        for (var head = 0; head < _config.NumAttentionHeads; head++)
        {
            var at = head / group * width;
            for (var t = 0; t < q.Positions; t++)
            {
                var seen = scores[..(t + 1)];
                for (var s = 0; s <= t; s++)
                {
                    seen[s] = scale * TensorPrimitives.Dot(q[t].Slice(head * width, width), k[s].Slice(at, width));
                }

                TensorPrimitives.SoftMax(seen, seen);
                var output = y[t].Slice(head * width, width);
                for (var s = 0; s <= t; s++)
                {
                    TensorPrimitives.MultiplyAdd(v[s].Slice(at, width), seen[s], output, output);
                }
            }
        }

        return y;
    }

    // silu(gate) · up
    private static Activations Gate(Activations gate, Activations up)
    {
        var y = new Activations(gate.Positions, gate.Width);
        TensorPrimitives.Sigmoid<float>(gate.Values, y.Values);
        TensorPrimitives.Multiply(y.Values, gate.Values, y.Values);
        TensorPrimitives.Multiply(y.Values, up.Values, y.Values);
        return y;
    }
}
