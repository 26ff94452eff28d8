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
        var problems = new List<string>();
        var shapes = ShapesOf(model);
        foreach (var (module, pair) in files.Pairs)
        {
            if (!shapes.TryGetValue(module, out var shape)) problems.Add($"the model has no layer {module}");
            else if ((pair.B.Shape[0], pair.A.Shape[1]) != shape) problems.Add($"{module} is [{pair.B.Shape[0]}, {pair.A.Shape[1]}] in the adapter and [{shape.Out}, {shape.In}] in the model");
        }

        foreach (var (name, tensor) in files.SavedModules)
        {
            if (name is not (LlamaTensorNames.EmbedTokens or LlamaTensorNames.LmHead)) problems.Add($"it brings {name}, which only a merge can replace");
            else if (tensor.Shape[1] != model.HiddenSize) problems.Add($"its {name} has {tensor.Shape[1]} columns and the model {model.HiddenSize}");
        }

        return problems;
    }

    private static Dictionary<string, (long Out, long In)> ShapesOf(LlamaConfig model)
    {
        var (hidden, intermediate, queries, keys) = (model.HiddenSize, model.IntermediateSize, model.NumAttentionHeads * model.HeadDim, model.NumKeyValueHeads * model.HeadDim);
        var shapes = new Dictionary<string, (long, long)>(StringComparer.Ordinal);
        for (var layer = 0; layer < model.NumHiddenLayers; layer++)
        {
            foreach (var (name, shape) in ((string, (long, long))[])[("q_proj", (queries, hidden)), ("k_proj", (keys, hidden)), ("v_proj", (keys, hidden)), ("o_proj", (hidden, queries)),
                ("gate_proj", (intermediate, hidden)), ("up_proj", (intermediate, hidden)), ("down_proj", (hidden, intermediate))])
                shapes.Add(LlamaTensorNames.Module(layer, name), shape);
        }

        return shapes;
    }

    private Tensor Read(PeftAdapter files, TensorInfo info, float scale, ScalarType type, Device device)
    {
        using var scope = NewDisposeScope();
        var values = tensor(files.Tensors.ReadAsFloat32(info), [.. info.Shape]).mul_(scale);
        _tensors.Add(values.to(type, device).DetachFromDisposeScope());
        return _tensors[^1];
    }
}
