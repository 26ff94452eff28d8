using System.Globalization;
using Alpaca.Abstractions;
using Alpaca.Formats;

namespace Alpaca.Merging;

/// <summary>Everything about a merge that can be known before the first byte is written; made only if nothing is wrong.</summary>
internal sealed class MergePlan : IDisposable
{
    private readonly List<PeftAdapter> _adapters = [];
    private HuggingFaceModel? _model;

    private MergePlan() { }

    public HuggingFaceModel Model => _model!;

    public IReadOnlyList<PeftAdapter> Adapters => _adapters;

    /// <summary>The tensors of the result, in Hugging Face's order.</summary>
    public IReadOnlyList<MergedTensor> Tensors { get; private set; } = [];

    /// <summary>Bytes of the result's tensors.</summary>
    public long OutputBytes => Tensors.Sum(t => t.Info.ByteLength);

    /// <summary>Bytes of buffers: on each thread a chunk of rows as stored and as float32, and the A matrices of the tensor at hand.</summary>
    public long MemoryBytes => RowPipeline.DefaultThreads * ((8L * RowPipeline.ChunkBytes)
        + Tensors.Max(t => t.Updates.Sum(u => u.Pair.A.ElementCount * sizeof(float))));

    /// <summary>The base's configuration with the result's vocabulary.</summary>
    public LlamaConfig Config { get; private set; } = null!;

    /// <summary>The folder whose tokenizer the result gets, or <see langword="null"/> when there is none.</summary>
    public string? TokenizerFolder { get; private set; }

    /// <summary>Opens everything and checks all of it.</summary>
    /// <exception cref="AlpacaException">Lists every problem found, one a line.</exception>
    public static MergePlan Create(MergeRequest request)
    {
        var plan = new MergePlan();
        try
        {
            var problems = new List<string>();
            plan.Open(request, problems);
            if (problems.Count == 0)
            {
                plan.PlanTensors(problems);
                plan.Config = plan.Model.Config with { VocabSize = VocabularyContract.Check(plan.Model, plan.Adapters, problems) };
                plan.TokenizerFolder = TokenizerChoice.Check(plan.Model, plan.Adapters, request.TokenizerPath, plan.Config.VocabSize, problems);
                if (request.OutputType == ModelFormat.Pth)
                {
                    problems.AddRange(MetaLayout.FindObstacles(plan.Config));
                }
            }

            return problems.Count == 0 ? plan : throw new AlpacaException(string.Join(Environment.NewLine, problems));
        }
        catch
        {
            plan.Dispose();
            throw;
        }
    }

    public void Dispose()
    {
        _model?.Dispose();
        foreach (var adapter in _adapters)
        {
            adapter.Dispose();
        }
    }

    private void Open(MergeRequest request, List<string> problems)
    {
        Try(() => _model = HuggingFaceModel.Open(request.BaseModel));
        foreach (var folder in request.LoraModel)
        {
            Try(() => _adapters.Add(PeftAdapter.Open(folder)));
        }

        if (request.TokenizerPath.Count > 0 && request.TokenizerPath.Count != request.LoraModel.Count)
        {
            problems.Add($"There are {request.LoraModel.Count} adapters and {request.TokenizerPath.Count} tokenizer paths; name one tokenizer for each adapter, in the same order, or none.");
        }

        void Try(Action open)
        {
            try
            {
                open();
            }
            catch (AlpacaException e)
            {
                problems.Add(e.Message);
            }
        }
    }

    private void PlanTensors(List<string> problems)
    {
        var tensors = LlamaTensorNames.Describe(Model.Config).Select(t => new MergedTensor(Model.Tensors, Model.Tensors.Find(t.Name)!)).ToList();
        var byName = tensors.ToDictionary(t => t.Info.Name, StringComparer.Ordinal);
        foreach (var adapter in Adapters)
        {
            var wrong = new List<string>();
            foreach (var (name, saved) in adapter.SavedModules)
            {
                PlanReplacement(adapter, byName, name, saved, wrong);
            }

            foreach (var (module, pair) in adapter.Pairs)
            {
                PlanUpdate(adapter, byName, module, pair, wrong);
            }

            if (wrong.Count > 0)
            {
                problems.Add($"The adapter {adapter.WeightsFile} does not fit the base model {Model.Folder}: {Listing.Of(wrong, "; ")}; use the base it was trained on{BaseHint(adapter)}.");
            }
        }

        Tensors = tensors;
    }

    /// <summary>The plan in words, a line for each thing.</summary>
    public IEnumerable<string> Describe(MergeRequest request)
    {
        yield return $"base model {Model.Folder}: {Model.Parameters:N0} parameters in {Model.Tensors.Tensors.Count} tensors, {Tensors[^1].Info.DType.TorchName()}, vocabulary {Model.Config.VocabSize}";
        foreach (var adapter in Adapters)
        {
            var saved = adapter.SavedModules.Count == 0 ? "nothing saved whole" : $"replaces {string.Join(", ", adapter.SavedModules.Keys.Order(StringComparer.Ordinal))}";
            var vocabulary = adapter.VocabularySize is { } rows ? $", vocabulary {rows}" : "";
            yield return string.Create(CultureInfo.InvariantCulture, $"adapter {adapter.Folder}: rank {adapter.Config.R}, scaling {adapter.Scaling:G4}, {adapter.Pairs.Count} layers, {saved}{vocabulary}");
        }

        yield return TokenizerFolder is { } folder ? $"tokenizer of {folder}" : "no tokenizer: neither the last adapter nor the base has one";
        yield return $"{Tensors.Count(t => t.IsTouched)} of {Tensors.Count} tensors change, {Tensors.Count(t => !t.IsTouched)} are copied bit for bit";
        yield return request.OutputType == ModelFormat.Pth
            ? $"written as {MetaLayout.ShardCount(Config)} consolidated.NN.pth, vocabulary {Config.VocabSize}"
            : $"written as safetensors, vocabulary {Config.VocabSize}";
        if (request.Verify)
        {
            yield return "logits of the result are held against those of base and adapters before it is published";
        }
    }

    private static string BaseHint(PeftAdapter adapter) => adapter.Config.BaseModelNameOrPath is { Length: > 0 } name ? $" ({name})" : "";

    private static void PlanReplacement(PeftAdapter adapter, Dictionary<string, MergedTensor> byName, string name, TensorInfo saved, List<string> wrong)
    {
        if (!byName.TryGetValue(name, out var target))
        {
            wrong.Add($"it replaces {name}, which the base does not have");
            return;
        }

        // The vocabulary may grow; whether its size is right is looked at across all adapters.
        var expected = target.Info.Shape;
        var mayGrow = name is LlamaTensorNames.EmbedTokens or LlamaTensorNames.LmHead;
        if (saved.Shape.Count != expected.Count || !saved.Shape.Skip(mayGrow ? 1 : 0).SequenceEqual(expected.Skip(mayGrow ? 1 : 0)))
        {
            wrong.Add($"{name} is [{string.Join(", ", saved.Shape)}], the base has [{string.Join(", ", expected)}]");
            return;
        }

        target.Replace(adapter.Tensors, saved);
    }

    private static void PlanUpdate(PeftAdapter adapter, Dictionary<string, MergedTensor> byName, string module, LoraPair pair, List<string> wrong)
    {
        if (!byName.TryGetValue(module + ".weight", out var target) || target.Info.Shape.Count != 2)
        {
            wrong.Add($"it targets {module}, which is no linear layer of the base");
            return;
        }

        // W is [out, in], A is [r, in], B is [out, r].
        var shape = target.Info.Shape;
        if (pair.B.Shape[0] != shape[0] || pair.A.Shape[1] != shape[1])
        {
            wrong.Add($"{module} would change by [{pair.B.Shape[0]}, {pair.A.Shape[1]}], the base has [{string.Join(", ", shape)}]");
            return;
        }

        target.Add(new AddedLora(adapter.Tensors, pair, (float)adapter.Config.ScalingFor(module)));
    }
}
