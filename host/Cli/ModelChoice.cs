using System.CommandLine;
using Alpaca.Abstractions;

namespace Alpaca.Host;

/// <summary>What <c>generate</c> and <c>chat</c> have in common: a model, a backend, and how it is loaded. The configuration's section <c>Inference</c> holds where an option is not given.</summary>
internal sealed class ModelChoice
{
    private readonly Option<string?> _model = new("--model") { Description = "Model folder [default: Inference:Model, else what would be served of the default pipeline]", HelpName = "DIR" };
    private readonly Option<string?> _backend = new("--backend") { Description = "Torch, Onnx or a plugin's [default: Inference:Backend]", HelpName = "NAME" };
    private readonly Option<string?> _adapter = new("--lora-model") { Description = "Folder of a LoRA adapter to apply without merging it [default: none]", HelpName = "DIR" };
    private readonly Option<string?> _tokenizer = new("--tokenizer", "--tokenizer-path") { Description = "Folder with another tokenizer [default: the adapter's, else the model's]", HelpName = "DIR" };
    private readonly Option<string?> _template = new("--template") { Description = "Prompt template: alpaca, alpaca-inference, llama2, llama3 [default: Inference:Template]", HelpName = "NAME" };
    private readonly Option<string?> _device = new("--device") { Description = "cpu, cuda or cuda:N [default: Inference:Device]", HelpName = "DEVICE" };
    private readonly Option<int?> _threads = new("--threads") { Description = "Threads; 0 takes all cores [default: Inference:Threads]", HelpName = "N" };

    public void AddTo(Command command)
    {
        foreach (var option in (Option[])[_model, _adapter, _backend, _tokenizer, _template, _device]) command.Add(option);
        command.AddNumber(_threads, 0);
    }

    /// <summary>The model that the command line and the configuration name.</summary>
    /// <exception cref="AlpacaUsageException">None is named, and the default pipeline has made or promoted none.</exception>
    public ModelOptions Read(ParseResult parse, CommandEngine engine)
    {
        var settings = InferenceSettings.Read(engine.Settings);
        var backend = parse.GetValue(_backend) ?? settings.Backend;
        return new ModelOptions
        {
            Backend = backend,
            Folder = parse.GetValue(_model) ?? settings.Model ?? DefaultModel(engine, backend),
            AdapterFolder = parse.GetValue(_adapter),
            TokenizerFolder = parse.GetValue(_tokenizer),
            Template = parse.GetValue(_template) ?? settings.Template,
            Inference = settings.Options with { Device = parse.GetValue(_device) ?? settings.Options.Device, Threads = parse.GetValue(_threads) ?? settings.Options.Threads },
        };
    }

    /// <summary>The default pipeline's champion, or its newest model where it has no section <c>Promotion</c>, as <c>serve</c> takes it.</summary>
    private static string DefaultModel(CommandEngine engine, string backend)
    {
        if (engine.Settings.DefaultPipeline is null) throw new AlpacaUsageException("No model is named; pass --model, or set Inference:Model.");
        var pipeline = engine.Settings.GetPipeline(null);
        engine.Catalog.GetBackend(backend);
        var store = engine.Get<ArtifactStore>();
        if (pipeline.Promotion is null)
        {
            return BackendArtifacts.Newest(pipeline, backend, engine.Catalog, store)
                ?? throw new AlpacaUsageException($"Pipeline {pipeline.Name} has made no model for {backend} yet; run `alpaca run`, or pass --model.");
        }

        var champion = engine.Get<ModelRegistry>().Champion(pipeline.Name)
            ?? throw new AlpacaUsageException($"Pipeline {pipeline.Name} has promoted no version yet; promote one of those that `alpaca models` lists, or pass its folder as --model.");
        return BackendArtifacts.FolderInVersion(champion, backend, store);
    }
}
