using Alpaca.Abstractions;
using Alpaca.Formats;
using Alpaca.Text;

namespace Alpaca.Host;

/// <summary>Loads models by the name of a backend.</summary>
public sealed class ModelLoader(IPluginCatalog catalog)
{
    private const string AdapterName = "adapter";

    /// <summary>Loads a model and its tokenizer, and checks that they fit.</summary>
    /// <exception cref="AlpacaException">The backend, the model or the tokenizer is not there or cannot be used, or they do not fit.</exception>
    public async Task<ModelHandle> LoadAsync(ModelOptions options, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(options);
        var template = PromptTemplate.Get(options.Template);
        var backend = catalog.GetBackend(options.Backend);
        if (!Directory.Exists(options.Folder)) throw new AlpacaException($"The model folder {options.Folder} does not exist; correct the path, or run the pipeline that makes it.");
        var tokenizer = LoadTokenizer(options);
        var stopIds = StopTokens.Of(options.Folder, tokenizer, template);

        var config = Path.Combine(options.Folder, "config.json");
        var inference = options.AdapterFolder is { } adapter ? options.Inference with { Adapters = [.. options.Inference.Adapters, new AdapterSource(AdapterName, adapter)] } : options.Inference;
        var isAlone = inference.Adapters.Count == 0; // an adapter may bring a larger vocabulary than its base has
        if (isAlone && tokenizer is not null && File.Exists(config)) CheckVocabulary(options, tokenizer, LlamaConfig.Load(config).VocabSize); // Before a big model is read.
        var generator = await backend.LoadAsync(options.Folder, inference, cancellationToken);
        try
        {
            if (tokenizer is not null && (isAlone || tokenizer.VocabularySize > generator.VocabularySize)) CheckVocabulary(options, tokenizer, generator.VocabularySize);
            var model = new ModelHandle(options.Folder, backend.Name, generator, tokenizer, template, stopIds);
            return options.AdapterFolder is null ? model : model.WithAdapter(AdapterName);
        }
        catch
        {
            generator.Dispose();
            throw;
        }
    }

    /// <summary>A loaded model with one of its adapters, and with the adapter's tokenizer where it has one.</summary>
    /// <param name="model">The model; both share what is loaded.</param>
    /// <param name="adapter">One of the adapters that were loaded with it.</param>
    /// <exception cref="AlpacaException">The tokenizer cannot be read, or has more pieces than the vocabulary has rows.</exception>
    public static ModelHandle WithAdapter(ModelHandle model, AdapterSource adapter)
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentNullException.ThrowIfNull(adapter);
        if (!TokenizerFiles.ExistIn(adapter.Folder)) return model.WithAdapter(adapter.Name);
        var tokenizer = ModelTokenizer.Load(adapter.Folder);
        var rows = model.Generator.VocabularySize;
        return tokenizer.VocabularySize <= rows
            ? model.WithAdapter(adapter.Name, tokenizer)
            : throw new AlpacaException($"The tokenizer in {adapter.Folder} has {tokenizer.VocabularySize} pieces, more than the {rows} rows of the vocabulary of the model in {model.Folder} with its adapters; put the tokenizer there that adapter {adapter.Name} was trained with.");
    }

    private static ModelTokenizer? LoadTokenizer(ModelOptions options)
    {
        if (options.TokenizerFolder is { } folder) return ModelTokenizer.Load(folder);
        if (options.AdapterFolder is { } adapter && TokenizerFiles.ExistIn(adapter)) return ModelTokenizer.Load(adapter);
        if (TokenizerFiles.ExistIn(options.Folder)) return ModelTokenizer.Load(options.Folder);
        return options.RequiresTokenizer ? throw new AlpacaException($"{options.Folder} has no tokenizer.model or tokenizer.json; name a tokenizer's folder with --tokenizer.") : null;
    }

    private static void CheckVocabulary(ModelOptions options, ModelTokenizer tokenizer, int rows)
    {
        if (tokenizer.VocabularySize == rows) return;
        var relation = tokenizer.VocabularySize < rows ? "fewer" : "more";
        throw new AlpacaException(
            $"The tokenizer in {options.TokenizerFolder ?? options.Folder} has {tokenizer.VocabularySize} pieces, {relation} than the {rows} rows of the vocabulary of the model in {options.Folder}; name the tokenizer that the model was trained with.");
    }
}
