using Alpaca.Abstractions;

namespace Alpaca.Training.Tests;

/// <summary>A folder with the tiny model in it, in which the stage runs.</summary>
internal sealed class TrainingFolder : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    private TrainingFolder() { }

    /// <summary>The model's folder, which is the tokenizer's as well.</summary>
    public string Model { get; private set; } = "";

    public string Resume => _folder.Combine("resume");

    public RecordingLogger Logger { get; } = new();

    public static async Task<TrainingFolder> CreateAsync()
    {
        var created = new TrainingFolder();
        created.Model = await TinyLlama.Fixture.ConvertAsync(created._folder);
        return created;
    }

    /// <summary>A short run with everything random and everything that is written switched on.</summary>
    public TrainRequest Request() => TinyLlama.Fixture.Request(Model) with
    {
        LoraInit = null,
        LoraDropout = 0.1,
        Shuffle = true,
        ValidationFile = TinyLlama.Fixture.Validation,
        TrainingSteps = 10,
        EvalSteps = 4,
        SaveSteps = 3,
        GradientAccumulationSteps = 2,
        WeightDecay = 0.01,
    };

    /// <summary>A copy of the tokenizer with one piece more than the model has rows.</summary>
    public string GrownTokenizer()
    {
        var folder = _folder.CreateFolder("grown");
        File.Copy(TinyLlama.Fixture.Tokenizer, Path.Combine(folder, "tokenizer.model"));
        File.WriteAllText(Path.Combine(folder, "added_tokens.json"), """{"[PAD]": 512}""");
        return folder;
    }

    public string Write(string name, string content) => _folder.Write(name, content);

    public string Combine(string name) => _folder.Combine(name);

    /// <summary>Runs the stage; the output folder is new each time, the resume folder stays.</summary>
    /// <returns>The output folder.</returns>
    public async Task<string> TrainAsync(TrainRequest request, string output, CancelAtStep? cancellation = null)
    {
        await ExecuteAsync(request, output, cancellation);
        return _folder.Combine(output);
    }

    public Task<AdapterArtifact> ExecuteAsync(TrainRequest request, string output = "out", CancelAtStep? cancellation = null)
        => new LoraTrainer().ExecuteAsync(request, Context(output, cancellation), cancellation?.Token ?? CancellationToken.None);

    public StageContext Context(string output, CancelAtStep? cancellation = null) => new()
    {
        OutputFolder = _folder.CreateFolder(output),
        ResumeFolder = _folder.CreateFolder("resume"),
        Progress = cancellation ?? (IStageProgress)NullProgress.Instance,
        Logger = Logger,
    };

    public void DeleteCheckpoints()
    {
        if (Directory.Exists(Resume)) Directory.Delete(Resume, recursive: true);
    }

    public void Dispose() => _folder.Dispose();
}
