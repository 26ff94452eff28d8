using Alpaca.Abstractions;
using Alpaca.Formats;

namespace Alpaca.Convert;

/// <summary>Everything about a conversion that can be known before the first byte is written; made only if nothing is wrong.</summary>
internal sealed class ConversionPlan : IDisposable
{
    private MetaModel? _original;
    private HuggingFaceModel? _huggingFace;

    private ConversionPlan(CheckpointLocation location, ModelFormat format)
    {
        Location = location;
        Format = format;
    }

    public CheckpointLocation Location { get; }

    /// <summary>The layout to write.</summary>
    public ModelFormat Format { get; }

    /// <summary>The weights under Hugging Face's names, wherever they come from.</summary>
    public ITensorSource Source => (ITensorSource?)_original ?? _huggingFace!.Tensors;

    /// <summary>The tensors to write, in order.</summary>
    public IReadOnlyList<TensorInfo> Tensors { get; private set; } = [];

    /// <summary>The model's configuration.</summary>
    public LlamaConfig Config { get; private set; } = null!;

    /// <summary>The generation of LLaMA; it has no bearing on a Hugging Face folder that stays one.</summary>
    public LlamaVersion Version { get; private set; }

    /// <summary>The tokenizer beside original weights; Hugging Face's is copied unread.</summary>
    public TokenizerModel? Tokenizer { get; private set; }

    /// <summary>How many shards to write in Meta's layout.</summary>
    public int Shards { get; private set; }

    /// <summary>How those shards share the embedding.</summary>
    public MetaSplit EmbeddingSplit => _original?.EmbeddingSplit ?? (Version >= LlamaVersion.Llama3 ? MetaSplit.Rows : MetaSplit.Columns);

    /// <summary>How many shards are read; 0 for a Hugging Face folder.</summary>
    public int ShardsRead => _original?.ShardFiles.Count ?? 0;

    /// <summary>What is read: <c>LLaMA 1, 2 shards</c>.</summary>
    public string Kind => Location.IsHuggingFace ? "Hugging Face" : $"{Version.Name()}, {ShardsRead} {(ShardsRead == 1 ? "shard" : "shards")}";

    /// <summary>Bytes of the result's tensors.</summary>
    public long OutputBytes => Tensors.Sum(t => t.ByteLength);

    /// <summary>Bytes of buffers: on each thread a chunk of rows, once more where its order changes, and the pieces it is joined from or split into.</summary>
    public long MemoryBytes => RowPipeline.DefaultThreads * 4L * Math.Max(RowPipeline.ChunkBytes, Tensors.Max(t => BlockRows(t) * t.ByteLength / Math.Max(1, t.Shape.FirstOrDefault(1))));

    /// <summary>The plan in words, a line for each thing.</summary>
    public IEnumerable<string> Describe()
    {
        yield return $"reads {Location.Folder} ({Kind}): {Tensors.Count} tensors, {Tensors.Sum(t => t.ElementCount):N0} elements, {Tensors[0].DType.TorchName()}, vocabulary {Config.VocabSize}{(Config.TieWordEmbeddings ? ", output tied to the embedding" : "")}";
        yield return Format == ModelFormat.Pth ? $"writes {Shards} consolidated.NN.pth with params.json and checklist.chk" : "writes safetensors with config.json";
        yield return Location.TokenizerModel is { } file ? $"tokenizer {file}" : Location.IsHuggingFace ? "tokenizer files are copied as they are" : "no tokenizer.model beside or above the weights: the result has no tokenizer";
    }

    /// <summary>The rows of a tensor that are best read together.</summary>
    public int BlockRows(TensorInfo tensor) => _original?.BlockRows(tensor) ?? 1;

    /// <summary>Opens the model and checks the request against it.</summary>
    /// <exception cref="AlpacaException">Lists every problem found, one a line.</exception>
    public static ConversionPlan Create(ConvertRequest request)
    {
        var location = CheckpointLocation.Find(request.InputDir, request.ModelSize);
        var plan = new ConversionPlan(location, request.OutputType);
        try
        {
            var problems = new List<string>();
            plan.Open(problems);
            plan.CheckOptions(request, problems);
            if (plan._original is not null)
            {
                plan.PlanOriginal(request, problems);
            }
            else if (plan._huggingFace is not null)
            {
                plan.PlanHuggingFace(request, problems);
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
        _original?.Dispose();
        _huggingFace?.Dispose();
    }

    private void Open(List<string> problems)
    {
        try
        {
            if (Location.IsHuggingFace)
            {
                _huggingFace = HuggingFaceModel.Open(Location.Folder);
            }
            else
            {
                _original = MetaModel.Open(Location.Folder);
                Tokenizer = Location.TokenizerModel is { } path ? TokenizerModel.Load(path) : null;
            }
        }
        catch (AlpacaException e)
        {
            problems.Add(e.Message);
        }
    }

    private void CheckOptions(ConvertRequest request, List<string> problems)
    {
        if (request.NumShards is not null && Format != ModelFormat.Pth)
        {
            problems.Add("--num-shards is for the output type pth, Hugging Face's folders have no shards of that kind; leave it out, or choose --output-type pth.");
        }

        if (LlamaVersions.Parse(request.LlamaVersion) is not null && Location.IsHuggingFace && Format == ModelFormat.HuggingFace)
        {
            problems.Add($"--llama-version is for original weights, {Location.Folder} is a Hugging Face folder whose {LlamaConfig.FileName} is kept; leave it out.");
        }

        if (request.ModelSize is { } name && MetaSizes.Find(name) is { } size && (_original?.Config ?? _huggingFace?.Config) is { } config
            && (size.Dim != config.HiddenSize || size.Layers != config.NumHiddenLayers))
        {
            problems.Add(
                $"The model in {Location.Folder} is {config.HiddenSize} wide with {config.NumHiddenLayers} layers, {name} is {size.Dim} wide with {size.Layers}; name the size that it is, or leave --model-size out and give its folder as the input folder.");
        }
    }

    private void PlanOriginal(ConvertRequest request, List<string> problems)
    {
        var model = _original!;
        var config = model.Config with { TieWordEmbeddings = model.Config.TieWordEmbeddings || TiedEmbeddings.AreIn(model) };
        FindVersion(request, config, problems);
        if (Tokenizer?.FindMismatch(Location.Folder, config) is { } mismatch)
        {
            problems.Add(mismatch);
        }

        Config = OriginalConfig.Of(config, model.Parameters, Version);
        Tensors = [.. model.Tensors.Where(t => !config.TieWordEmbeddings || t.Name != LlamaTensorNames.LmHead)];
        PlanShards(request, problems);
    }

    private void PlanHuggingFace(ConvertRequest request, List<string> problems)
    {
        Config = _huggingFace!.Config;
        if (Format == ModelFormat.HuggingFace)
        {
            Tensors = Source.Tensors;
            return;
        }

        // Saved rotary frequencies have no place in Meta's layout.
        FindVersion(request, Config, problems);
        Tensors = [.. LlamaTensorNames.Describe(Config).Select(t => Source.Find(t.Name)!)];
        PlanShards(request, problems);
    }

    private void FindVersion(ConvertRequest request, LlamaConfig config, List<string> problems)
    {
        var named = LlamaVersions.Parse(request.LlamaVersion);
        Version = named ?? LlamaVersions.Detect(config, Tokenizer);
        var contradictions = LlamaVersions.FindContradictions(Version, config, Tokenizer).ToList();
        if (contradictions.Count > 0)
        {
            problems.Add(named is null
                ? $"The weights in {Location.Folder} look like {Version.Name()}, but {string.Join("; ", contradictions)}; put the files that belong together into one folder."
                : $"--llama-version {request.LlamaVersion} contradicts the weights in {Location.Folder}: {string.Join("; ", contradictions)}; leave it out to have the version told by the weights.");
        }
    }

    private void PlanShards(ConvertRequest request, List<string> problems)
    {
        if (Format == ModelFormat.Pth)
        {
            Shards = request.NumShards ?? MetaLayout.ShardCount(Config);
            problems.AddRange(MetaLayout.FindObstacles(Config, Shards));
        }
    }
}
