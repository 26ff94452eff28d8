using System.Numerics.Tensors;
using Alpaca.Formats;

namespace Alpaca.Merging;

/// <summary>The base model with its adapters beside it, as in training: y = W x + Σ scaling · B (A x), nothing rounded.</summary>
/// <remarks>Computed from the files and not with <see cref="LoraKernel"/>, so that a mistake in merging cannot hide here.</remarks>
internal sealed class UnmergedWeights : IStreamedWeights
{
    private readonly Dictionary<string, MergedTensor> _tensors;

    public UnmergedWeights(IEnumerable<MergedTensor> tensors) => _tensors = tensors.ToDictionary(t => t.Info.Name, StringComparer.Ordinal);

    public TensorInfo Describe(string name) => _tensors[name].Info;

    public void ReadRows(string name, long firstRow, Span<float> destination)
    {
        var tensor = _tensors[name];
        var (source, info) = tensor.Steps.OfType<ReplaceStep>().LastOrDefault() is { } replaced ? (replaced.Source, replaced.Tensor) : (tensor.Base, tensor.BaseInfo);
        source.ReadAsFloat32(info, firstRow * tensor.Columns, destination);
    }

    public void AddUpdates(string name, Activations input, Activations output)
    {
        foreach (var step in _tensors[name].Steps.OfType<AddLoraStep>())
        {
            var a = step.Source.ReadAsFloat32(step.Pair.A);                               // [r, in]
            var b = step.Source.ReadAsFloat32(step.Pair.B);                               // [out, r]
            var low = new float[step.Rank];
            for (var t = 0; t < input.Positions; t++)
            {
                for (var k = 0; k < step.Rank; k++)
                {
                    low[k] = step.Scaling * TensorPrimitives.Dot(a.AsSpan(k * input.Width, input.Width), input[t]);
                }

                var y = output[t];
                for (var i = 0; i < y.Length; i++)
                {
                    y[i] += TensorPrimitives.Dot(b.AsSpan(i * step.Rank, step.Rank), low);
                }
            }
        }
    }
}
