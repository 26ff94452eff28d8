using System.Text.Json;
using Alpaca.Abstractions;
using Alpaca.Convert;
using Alpaca.Formats;
using Alpaca.Text;

namespace Alpaca.Training.Tests;

/// <summary>The tiny LLaMA of <c>Fixtures/tiny</c>, or one of the same form in the reference data, with the run that PyTorch made on it.</summary>
internal sealed class TinyLlama
{
    private readonly string _folder;

    // Threads cost more than they bring on matrices this small, above all with tests running side by side.
    static TinyLlama() => TorchSharp.torch.set_num_threads(1);

    private TinyLlama(string folder)
    {
        _folder = folder;
        using var json = JsonDocument.Parse(File.ReadAllBytes(Path.Combine(folder, "expected.json")));
        var train = json.RootElement.GetProperty("train");
        Losses = Numbers(train.GetProperty("loss"));
        GradientNorms = Numbers(train.GetProperty("grad_norm"));
        Samples = [.. train.GetProperty("samples").EnumerateArray().Select(s => new SupervisedExample(Ids(s.GetProperty("input_ids")), Ids(s.GetProperty("labels"))))];

        static double[] Numbers(JsonElement list) => [.. list.EnumerateArray().Select(x => x.GetDouble())];
        static int[] Ids(JsonElement list) => [.. list.EnumerateArray().Select(x => x.GetInt32())];
    }

    public static TinyLlama Fixture { get; } = new(Path.Combine(Golden.RepositoryRoot, "tests", "Alpaca.Training.Tests", "Fixtures", "tiny"));

    public static TinyLlama Reference => new(Golden.Path("tiny"));

    /// <summary>The loss of each step of PyTorch's run.</summary>
    public IReadOnlyList<double> Losses { get; }

    /// <summary>The gradient's norm at each step, before clipping.</summary>
    public IReadOnlyList<double> GradientNorms { get; }

    /// <summary>The samples of the run.</summary>
    public IReadOnlyList<SupervisedExample> Samples { get; }

    public string LoraInit => Path.Combine(_folder, "train_lora_A_init.bin");

    public string Tokenizer => Path.Combine(_folder, "tokenizer.model");

    public string Instructions => Path.Combine(_folder, "instructions.json");

    public string Validation => Path.Combine(_folder, "validation.json");

    /// <summary>Writes the model as a Hugging Face folder, by the convert stage, with a tokenizer beside it.</summary>
    public async Task<string> ConvertAsync(TemporaryFolder folder, string? tokenizer = null)
    {
        var context = StageContexts.In(folder, "model");
        await new CheckpointConverter().ExecuteAsync(new ConvertRequest { InputDir = Path.Combine(_folder, "meta") }, context);
        File.Copy(tokenizer ?? Tokenizer, Path.Combine(context.OutputFolder, TokenizerFiles.Model), overwrite: true);
        return context.OutputFolder;
    }

    /// <summary>A request with everything turned off that saves time or memory.</summary>
    public static TrainRequest Plain(TrainRequest request) => request with
    {
        Packing = false, GroupByLength = false, LabelOnlyLogits = false, LossChunk = 0, FusedKernels = false, ActivationCheckpointing = ActivationCheckpointing.None,
    };

    /// <summary>A request with everything turned on that saves time or memory.</summary>
    public static TrainRequest Saving(TrainRequest request) => request with
    {
        Packing = true, LabelOnlyLogits = true, LossChunk = 16, FusedKernels = true, ActivationCheckpointing = ActivationCheckpointing.Block,
    };

    /// <summary>The options of PyTorch's run.</summary>
    public TrainRequest Request(string modelFolder) => new()
    {
        ModelNameOrPath = modelFolder,
        TokenizerNameOrPath = modelFolder,
        DatasetDir = [Instructions],
        LoraInit = LoraInit,
        LoraRank = 4,
        LoraAlpha = 16,
        LoraDropout = 0,
        LoraTrainable = ["q_proj", "v_proj", "down_proj"],
        ModulesToSave = ["embed_tokens", "lm_head"],
        LearningRate = 1e-3,
        BatchSize = 2,
        TrainingSteps = 20,
        WarmupSteps = 2,
        MaxSeqLength = 160,
        LoggingSteps = 1,
        MaxGradNorm = 1,
        Shuffle = false,
    };
}
