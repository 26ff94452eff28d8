namespace Alpaca.IntegrationTests;

/// <summary>Models and adapters made from the sample with few steps, for tests about something else than their quality.</summary>
public sealed class SampleModels : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly Lazy<Task<string>> _model;
    private readonly Lazy<Task<string>> _tokenizer;

    public SampleModels()
    {
        _model = new(() => MakeAsync("model", "convert", "--input-dir", Sample.Weights));
        _tokenizer = new(() => MakeAsync("tokenizer", "merge-tokenizers", "--llama-tokenizer-dir", Sample.Weights, "--chinese-sp-model-file", Sample.ChineseModel));
    }

    public Task<string> ModelAsync() => _model.Value;

    public Task<string> TokenizerAsync() => _tokenizer.Value;

    /// <summary>An adapter of one training step, for the tokenizer given.</summary>
    public async Task<string> AdapterAsync(string name, string tokenizer) => await MakeAsync(
        name, "train", "--model-name-or-path", await ModelAsync(), "--tokenizer-name-or-path", tokenizer, "--dataset-dir", Sample.Validation,
        "--lora-rank", "2", "--modules-to-save", "embed_tokens,lm_head", "--training-steps", "1", "--max-seq-length", "64");

    public void Dispose() => _folder.Dispose();

    private async Task<string> MakeAsync(string name, string stage, params string[] options)
    {
        var output = _folder.Combine(name);
        (await AlpacaProcess.RunAsync(null, ["stage", stage, .. options, "--output-dir", output])).ShouldSucceed();
        return output;
    }
}
