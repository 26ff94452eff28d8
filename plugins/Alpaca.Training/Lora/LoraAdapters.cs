using Alpaca.Abstractions;
using Alpaca.Formats;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;
using Projection = Alpaca.Llama.Projection;

namespace Alpaca.Training;

/// <summary>The LoRA layers of one model: made while it loads, then given their starting values.</summary>
/// <param name="settings">Which projections get one, and of what rank.</param>
/// <param name="dropout">The dropout that they share.</param>
internal sealed class LoraAdapters(LoraSettings settings, LoraDropout dropout)
{
    private readonly Dictionary<string, LoraLinear> _layers = new(StringComparer.Ordinal);

    /// <summary>The layers by module name, in the order of the model.</summary>
    public IReadOnlyDictionary<string, LoraLinear> Layers => _layers;

    /// <summary>The factory that puts LoRA on the chosen projections and leaves the others alone.</summary>
    public Module<Tensor, Tensor> Create(string name, Tensor weight)
        => settings.Adapts(name)
            ? _layers[name] = new LoraLinear(name, weight, settings.Config.RankFor(name), settings.Config.ScalingFor(name), dropout)
            : new Projection(weight);

    /// <summary>Draws the A matrices as PEFT does: Kaiming-uniform with a = sqrt(5), that is uniform within ±1 / sqrt(in). B stays 0, so the model starts unchanged.</summary>
    /// <param name="seed">The run's seed. The values are drawn on the CPU, so that they do not depend on the device.</param>
    public void InitializeRandom(int seed)
    {
        using var noGrad = no_grad();
        using var generator = new Generator((ulong)Seeds.Derive(seed, "lora_A"), CPU);
        foreach (var layer in _layers.Values)
        {
            using var scope = NewDisposeScope();
            var bound = 1 / Math.Sqrt(layer.A.shape[1]);
            layer.A.copy_(empty(layer.A.shape, ScalarType.Float32).uniform_(-bound, bound, generator));
        }
    }

    /// <summary>Reads the A matrices, and the B matrices where they are there, from a file under PEFT's names.</summary>
    /// <param name="file">A <c>.bin</c> or <c>.safetensors</c> file.</param>
    /// <exception cref="AlpacaException">The file's tensors are not those of the layers.</exception>
    public void InitializeFrom(string file)
    {
        using var source = TensorSource.Open(file);
        var expected = new Dictionary<string, (Tensor Tensor, bool Required)>(StringComparer.Ordinal);
        foreach (var (module, layer) in _layers)
        {
            expected[PeftAdapter.TensorNameFor(module, "A")] = (layer.A, true);
            expected[PeftAdapter.TensorNameFor(module, "B")] = (layer.B, false);
        }

        var problems = new List<string>();
        foreach (var (name, (tensor, required)) in expected)
        {
            if (source.Find(name) is not { } info)
            {
                if (required) problems.Add($"{name} is missing");
            }
            else if (!info.Shape.SequenceEqual(tensor.shape))
            {
                problems.Add($"{name} is [{string.Join(", ", info.Shape)}] where [{string.Join(", ", tensor.shape)}] is needed");
            }
        }

        problems.AddRange(source.Tensors.Where(t => !expected.ContainsKey(t.Name)).Select(t => $"{t.Name} belongs to no layer with LoRA"));
        if (problems.Count > 0)
            throw new AlpacaException($"{file} does not fit LoraRank and LoraTrainable: {Listing.Of(problems)}.");

        foreach (var (name, (tensor, _)) in expected)
            if (source.Find(name) is { } info) TensorFiles.Read(source, info, tensor);
    }

    /// <summary>Takes the values of an adapter.</summary>
    /// <param name="adapter">The adapter whose configuration the settings came from.</param>
    /// <param name="folder">Its folder, for messages.</param>
    /// <exception cref="AlpacaException">The adapter was made for another model.</exception>
    public void InitializeFrom(PeftAdapter adapter, string folder)
    {
        var problems = adapter.Pairs.Keys.Where(module => !_layers.ContainsKey(module)).Select(module => $"the model has no {module}").ToList();
        foreach (var (module, layer) in _layers)
        {
            Check(adapter.Pairs[module].A, layer.A);
            Check(adapter.Pairs[module].B, layer.B);
        }

        if (problems.Count > 0)
            throw new AlpacaException($"{folder} was made for another model: {Listing.Of(problems)}.");

        foreach (var (module, layer) in _layers)
        {
            TensorFiles.Read(adapter.Tensors, adapter.Pairs[module].A, layer.A);
            TensorFiles.Read(adapter.Tensors, adapter.Pairs[module].B, layer.B);
        }

        void Check(TensorInfo stored, Tensor needed)
        {
            if (!stored.Shape.SequenceEqual(needed.shape))
                problems.Add($"{stored.Name} is [{string.Join(", ", stored.Shape)}] where [{string.Join(", ", needed.shape)}] is needed");
        }
    }
}
