using Alpaca.Abstractions;
using Alpaca.Formats;
using Alpaca.Text;

namespace Alpaca.Host;

/// <summary>Loads models by the name of a backend.</summary>
public sealed class ModelLoader(IPluginCatalog catalog)
{
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
        if (tokenizer is not null && File.Exists(config)) CheckVocabulary(options, tokenizer, LlamaConfig.Load(config).VocabSize); // Before a big model is read.
        var generator = await backend.LoadAsync(options.Folder, options.Inference, cancellationToken);
        try
        {
            if (tokenizer is not null) CheckVocabulary(options, tokenizer, generator.VocabularySize);
            return new ModelHandle(options.Folder, backend.Name, generator, tokenizer, template, stopIds);
        }
        catch
        {
            generator.Dispose();
            throw;
        }
    }

    private static ModelTokenizer? LoadTokenizer(ModelOptions options)
    {
        if (options.TokenizerFolder is { } folder) return ModelTokenizer.Load(folder);
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
