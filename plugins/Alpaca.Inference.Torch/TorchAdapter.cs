using Alpaca.Abstractions;
using Alpaca.Formats;
using static TorchSharp.torch;

namespace Alpaca.Inference.Torch;

/// <summary>A LoRA adapter in memory.</summary>
internal sealed class TorchAdapter : IDisposable
{
    private readonly Dictionary<string, LoraMatrices> _pairs = new(StringComparer.Ordinal);
    private readonly List<Tensor> _tensors = [];

    private TorchAdapter(string name) => Name = name;

    /// <summary>Its name.</summary>
    public string Name { get; }

    /// <summary>Its own embedding, [V, H]; <see langword="null"/> where it has none.</summary>
    public Tensor? EmbedTokens { get; private set; }

    /// <summary>Its own output layer, [V, H]; <see langword="null"/> where it has none.</summary>
    public Tensor? LmHead { get; private set; }

    /// <summary>Rows of its own embedding or output layer; <see langword="null"/> where it has neither.</summary>
    public int? VocabularySize => (int?)(EmbedTokens ?? LmHead)?.shape[0];

    /// <summary>The matrices beside a layer.</summary>
    /// <param name="module">Its name: <c>model.layers.0.self_attn.q_proj</c>.</param>
    public LoraMatrices? PairOf(string module) => _pairs.GetValueOrDefault(module);

    /// <summary>Reads an adapter.</summary>
    /// <exception cref="AlpacaException">It cannot be read or does not fit the model; names everything that does not.</exception>
    public static TorchAdapter Load(AdapterSource source, LlamaConfig model, ScalarType type, Device device)
    {
        using var files = PeftAdapter.Open(source.Folder);
        var problems = Problems(files, model);
        if (problems.Count > 0)
            throw new AlpacaException($"The adapter {source.Folder} does not fit the model: {Listing.Of(problems, "; ")}; name the base model that it was trained on.");

        var adapter = new TorchAdapter(source.Name);
        try
        {
            foreach (var (module, pair) in files.Pairs)
                adapter._pairs.Add(module, new LoraMatrices(adapter.Read(files, pair.A, 1, type, device), adapter.Read(files, pair.B, (float)files.Config.ScalingFor(module), type, device)));
            if (files.SavedModules.GetValueOrDefault(LlamaTensorNames.EmbedTokens) is { } embedding) adapter.EmbedTokens = adapter.Read(files, embedding, 1, type, device);
            if (files.SavedModules.GetValueOrDefault(LlamaTensorNames.LmHead) is { } head) adapter.LmHead = adapter.Read(files, head, 1, type, device);
            // Where the two are one matrix, what replaces the one replaces the other.
            if (model.TieWordEmbeddings) (adapter.EmbedTokens, adapter.LmHead) = (adapter.EmbedTokens ?? adapter.LmHead, adapter.LmHead ?? adapter.EmbedTokens);
            return adapter;
        }
        catch
        {
            adapter.Dispose();
            throw;
        }
    }

    /// <inheritdoc />
    public void Dispose()
    {
        foreach (var tensor in _tensors) tensor.Dispose();
    }

    private static List<string> Problems(PeftAdapter files, LlamaConfig model)
    {
        var shapes = LlamaTensorNames.Describe(model).ToDictionary(tensor => tensor.Name, tensor => tensor.Shape, StringComparer.Ordinal);
        var pairs = files.Pairs.Select(pair => AdapterFit.FindObstacle(pair.Key, pair.Value, LayerOf(pair.Key)));
        var saved = files.SavedModules.Select(module => AdapterFit.FindObstacle(module.Key, module.Value, model, takesOtherVocabulary: true));
        return [.. pairs.Concat(saved).OfType<string>()];

        (long Out, long In)? LayerOf(string module)
            => LlamaTensorNames.Projections.Contains(module[(module.LastIndexOf('.') + 1)..]) && shapes.TryGetValue(module + ".weight", out var shape) ? (shape[0], shape[1]) : null;
    }

    private Tensor Read(PeftAdapter files, TensorInfo info, float scale, ScalarType type, Device device)
    {
        using var scope = NewDisposeScope();
        var values = tensor(files.Tensors.ReadAsFloat32(info), [.. info.Shape]).mul_(scale);
        _tensors.Add(values.to(type, device).DetachFromDisposeScope());
        return _tensors[^1];
    }
}
