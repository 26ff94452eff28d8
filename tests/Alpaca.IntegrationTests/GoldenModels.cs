using System.Collections.Concurrent;
using System.Text.Json;

namespace Alpaca.IntegrationTests;

/// <summary>Models made from the reference data by the stages themselves, each once for all tests of a class.</summary>
public sealed class GoldenModels : IDisposable
{
    private static readonly Lazy<JsonElement> ExpectedValues = new(() => JsonDocument.Parse(File.ReadAllText(Golden.Path("tiny", "expected.json"))).RootElement);
    private readonly TemporaryFolder _folder = new();
    private readonly ConcurrentDictionary<string, Lazy<Task<string>>> _made = new();

    public static JsonElement Expected => ExpectedValues.Value;

    public string Combine(string name) => _folder.Combine(name);

    public Task<string> ConvertedAsync() => Once("hf", output => AlpacaProcess.RunAsync("stage", "convert", "--input-dir", Golden.Path("tiny", "meta"), "--output-dir", output));

    public Task<string> MergedTokenizerAsync(string? pad)
    {
        string[] padding = pad is null ? [] : ["--pad-token", pad];
        return Once($"tokenizer{pad?.Trim('[', ']')}", async output => await AlpacaProcess.RunAsync(
            null,
            ["stage", "merge-tokenizers", "--llama-tokenizer-dir", await LlamaTokenizerAsync(), "--chinese-sp-model-file", Golden.Path("tokenizer", "chinese_sp.model"), "--output-dir", output, .. padding]));
    }

    public Task<string> LlamaTokenizerAsync() => Once("llama-tokenizer", output =>
    {
        Directory.CreateDirectory(output);
        File.Copy(Golden.Path("tokenizer", "llama.model"), Path.Combine(output, "tokenizer.model"));
        return Task.FromResult(new ProcessResult(0, "", ""));
    });

    public Task<string> MergedAsync() => Once("merged", async output => await AlpacaProcess.RunAsync(
        "stage", "merge", "--base-model", await ConvertedAsync(), "--lora-model", $"{Golden.Path("tiny", "adapter-pretrain")},{Golden.Path("tiny", "adapter-sft")}",
        "--tokenizer-path", $"{await MergedTokenizerAsync(null)},{await MergedTokenizerAsync("[PAD]")}", "--output-type", "huggingface", "--output-dir", output));

    /// <summary>The model in the form a backend runs; Torch takes its precision when it loads.</summary>
    public async Task<string> ForBackendAsync(string backend, bool merged, string precision = "fp32")
    {
        var model = merged ? await MergedAsync() : await ConvertedAsync();
        return backend == "Torch" ? model : await Once(
            $"{(merged ? "merged-onnx" : "onnx")}-{precision}", output => AlpacaProcess.RunAsync("stage", "export", "--model", model, "--output-dir", output, "--precision", precision));
    }

    public void Dispose() => _folder.Dispose();

    private Task<string> Once(string name, Func<string, Task<ProcessResult>> make) => _made.GetOrAdd(name, key => new Lazy<Task<string>>(async () =>
    {
        var output = _folder.Combine(key);
        (await make(output)).ShouldSucceed();
        return output;
    })).Value;
}
