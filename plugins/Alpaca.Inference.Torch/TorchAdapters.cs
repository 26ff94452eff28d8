using Alpaca.Abstractions;
using Alpaca.Formats;
using Alpaca.Llama;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Alpaca.Inference.Torch;

/// <summary>LoRA adapters (Hu et al. 2021) beside a model, of which a pass applies one or none.</summary>
internal sealed class TorchAdapters : IDisposable
{
    private readonly IReadOnlyList<TorchAdapter> _adapters;
    private readonly ActiveAdapter _active = new();

    private TorchAdapters(IReadOnlyList<TorchAdapter> adapters) => _adapters = adapters;

    /// <summary>Their names.</summary>
    public IReadOnlyList<string> Names => [.. _adapters.Select(adapter => adapter.Name)];

    /// <summary>The largest vocabulary that one of them brings; 0 where none brings one.</summary>
    public int VocabularySize => _adapters.Max(adapter => adapter.VocabularySize) ?? 0;

    /// <summary>Rows of the active adapter's own embedding; <see langword="null"/> where it has none.</summary>
    public int? EmbeddingRows => (int?)Active?.EmbedTokens?.shape[0];

    /// <summary>Makes projections that apply the adapter in use.</summary>
    public ProjectionFactory ProjectionFactory => (name, weight) =>
    {
        var pairs = _adapters.Select(adapter => adapter.PairOf(name)).ToList();
        return pairs.Any(pair => pair is not null) ? new AdaptedProjection(weight, pairs, _active) : Projection.Factory(name, weight);
    };

    /// <summary>Reads adapters.</summary>
    /// <param name="sources">Their names and folders.</param>
    /// <param name="model">The base model's dimensions.</param>
    /// <param name="type">The base model's weight type.</param>
    /// <param name="device">The base model's device.</param>
    /// <exception cref="AlpacaException">Adapters cannot be read or do not fit; names all of them.</exception>
    public static TorchAdapters Load(IReadOnlyList<AdapterSource> sources, LlamaConfig model, ScalarType type, Device device)
    {
        var adapters = new List<TorchAdapter>();
        try
        {
            var failures = new List<AlpacaException>();
            foreach (var source in sources)
            {
                try
                {
                    adapters.Add(TorchAdapter.Load(source, model, type, device));
                }
                catch (AlpacaException e)
                {
                    failures.Add(e);
                }
            }

            return failures.Count switch
            {
                0 => new TorchAdapters(adapters),
                1 => throw failures[0],
                _ => throw new AlpacaException(string.Join(Environment.NewLine, failures.Select(failure => failure.Message)), new AggregateException(failures)),
            };
        }
        catch
        {
            foreach (var adapter in adapters) adapter.Dispose();
            throw;
        }
    }

    /// <summary>Applies an adapter until the result is disposed.</summary>
    public ActiveAdapter Use(int? adapter)
    {
        _active.Index = adapter;
        return _active;
    }

    /// <summary>Rows of the active adapter's own embedding: [B, T] -> [B, T, H]; <see langword="null"/> where it has none.</summary>
    public Tensor? Embed(Tensor ids)
    {
        if (Active?.EmbedTokens is not { } rows) return null;
        using var scope = NewDisposeScope();
        return rows.index_select(0, ids.flatten()).view([.. ids.shape, -1]).MoveToOuterDisposeScope();
    }

    /// <summary>Scores by the active adapter's own output layer: [..., H] -> [..., V] in float32; <see langword="null"/> where it has none.</summary>
    public Tensor? Score(Tensor hidden)
    {
        if (Active?.LmHead is not { } head) return null;
        using var scope = NewDisposeScope();
        return functional.linear(hidden, head).to_type(ScalarType.Float32).MoveToOuterDisposeScope();
    }

    /// <inheritdoc />
    public void Dispose()
    {
        foreach (var adapter in _adapters) adapter.Dispose();
    }

    private TorchAdapter? Active => _active.Index is { } index ? _adapters[index] : null;
}

/// <summary>Which adapter a pass applies.</summary>
internal sealed class ActiveAdapter : IDisposable
{
    /// <summary>Its index; <see langword="null"/> for none.</summary>
    public int? Index { get; set; }

    /// <summary>From here on none.</summary>
    public void Dispose() => Index = null;
}
