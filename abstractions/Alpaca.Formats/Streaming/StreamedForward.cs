using System.Numerics.Tensors;

namespace Alpaca.Formats;

/// <summary>A LLaMA's logits for a short prompt, computed while its weights pass by a few rows at a time: a model of any size in a few MB.</summary>
/// <remarks>
/// The decoder of meta-llama <c>model.py</c> in float32: pre-normalised attention with rotary positions, then SwiGLU, each added to the residual stream. It does not read the
/// weights itself: whoever passes over them anyway fills in the products; <see cref="Run"/> passes over them for that alone.
/// </remarks>
public sealed class StreamedForward
{
    private readonly LlamaConfig _config;
    private readonly IStreamedWeights _weights;
    private readonly IReadOnlyList<int> _ids;
    private readonly float[] _frequencies;                                                // [hd/2]
    private readonly Activations _residual;                                               // [T, H]

    /// <summary>Prepares a prompt's way through a model.</summary>
    /// <param name="config">The model.</param>
    /// <param name="weights">Its weights.</param>
    /// <param name="ids">The prompt, T ids.</param>
    /// <exception cref="Alpaca.Abstractions.AlpacaException">The model has a position encoding that is not supported.</exception>
    public StreamedForward(LlamaConfig config, IStreamedWeights weights, IReadOnlyList<int> ids)
    {
        _config = config;
        _weights = weights;
        _ids = ids;
        _frequencies = RotaryFrequencies.Of(config);
        _residual = new Activations(ids.Count, config.HiddenSize);
    }

    /// <summary>The logits, [T, vocabulary], after the last step.</summary>
    public Activations? Logits { get; private set; }

    /// <summary>Passes over the weights and fills in the products, on several threads.</summary>
    /// <param name="pipeline">Its progress counts the bytes of the weights.</param>
    /// <returns>The logits, [T, vocabulary].</returns>
    public Activations Run(RowPipeline pipeline)
    {
        ArgumentNullException.ThrowIfNull(pipeline);
        foreach (var step in Steps().Where(step => step.Input is not null)) pipeline.Run(step.Names.Select((name, i) => Products(name, step.Input!, step.Outputs[i])));
        return Logits!;
    }

    /// <summary>The way through the model.</summary>
    public IEnumerable<DecoderStep> Steps()
    {
        yield return LookUp(LlamaTensorNames.EmbedTokens);
        Embed();
        for (var layer = 0; layer < _config.NumHiddenLayers; layer++)
        {
            yield return LookUp(LlamaTensorNames.InputLayerNorm(layer), LlamaTensorNames.PostAttentionLayerNorm(layer));

            var x = Normalize(_residual, LlamaTensorNames.InputLayerNorm(layer));         // [T, H]
            var step = Multiply(x, Projections(layer, "q_proj", "k_proj", "v_proj"));
            yield return step;
            var (q, k, v) = (Output(step, 0), Output(step, 1), Output(step, 2));          // [T, heads·hd], [T, kvHeads·hd] twice
            Rotate(q);
            Rotate(k);
            step = Multiply(Attend(q, k, v), Projections(layer, "o_proj"));               // [T, heads·hd]
            yield return step;
            Add(Output(step, 0));

            x = Normalize(_residual, LlamaTensorNames.PostAttentionLayerNorm(layer));     // [T, H]
            step = Multiply(x, Projections(layer, "gate_proj", "up_proj"));
            yield return step;
            step = Multiply(Gate(Output(step, 0), Output(step, 1)), Projections(layer, "down_proj")); // [T, F]
            yield return step;
            Add(Output(step, 0));
        }

        yield return LookUp(LlamaTensorNames.Norm);
        var head = Multiply(Normalize(_residual, LlamaTensorNames.Norm), [_config.TieWordEmbeddings ? LlamaTensorNames.EmbedTokens : LlamaTensorNames.LmHead]);
        yield return head;
        Logits = Output(head, 0);
    }

    private RowTask Products(string name, Activations input, Activations output) => RowTask.For(_weights.Describe(name), blockRows: 1, chunk =>
    {
        var rows = chunk.Scratch.Get<float>(0, chunk.Rows * input.Width);
        _weights.ReadRows(name, chunk.FirstRow, rows);
        RowProducts.Multiply(rows, input, output, (int)chunk.FirstRow);
    });

    private static DecoderStep LookUp(params string[] names) => new(names, null, []);

    private DecoderStep Multiply(Activations x, string[] names) =>
        new(names, x, [.. names.Select(name => new Activations(x.Positions, (int)_weights.Describe(name).Shape[0]))]);

    private Activations Output(DecoderStep step, int index)
    {
        _weights.AddUpdates(step.Names[index], step.Input!, step.Outputs[index]);
        return step.Outputs[index];
    }

    private void Embed()
    {
        for (var t = 0; t < _ids.Count; t++)
        {
            _weights.ReadRows(LlamaTensorNames.EmbedTokens, _ids[t], _residual[t]);
        }
    }

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
