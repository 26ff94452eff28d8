using System.Globalization;
using System.Text;
using System.Text.Json;

namespace Alpaca.IntegrationTests;

/// <summary>Each stage alone on the command line, against values from PyTorch and SentencePiece.</summary>
public sealed class GoldenStageTests(GoldenModels models) : IClassFixture<GoldenModels>
{
    [GoldenFact]
    public async Task Convert_TinyCheckpoint_HasTheReferenceDigestOfEveryTensor()
    {
        var inspected = (await AlpacaProcess.RunAsync("inspect", await models.ConvertedAsync(), "--json", "--digests")).ShouldSucceed().Json;

        var digests = inspected.GetProperty("tensors").EnumerateArray().ToDictionary(t => t.GetProperty("name").GetString()!, t => t.GetProperty("sha256").GetString());
        foreach (var expected in GoldenModels.Expected.GetProperty("hf_tensor_sha256").EnumerateObject())
            digests.Should().Contain(expected.Name, expected.Value.GetString());
        digests.Should().HaveCount(GoldenModels.Expected.GetProperty("hf_tensor_sha256").EnumerateObject().Count());
    }

    [GoldenTheory]
    [InlineData(null, 49953, "e2676d4ca29ca1750f6ff203328d73b189321dc5776ceede037cbd36541d70c0")]
    [InlineData("[PAD]", 49954, "2d967e855b1213a439df6c8ce2791f869c84b4f3b6cfacf22b86440b8192a2f8")]
    public async Task MergeTokenizers_LlamaAndChinese_IsPublishedFileByteForByte(string? pad, int pieces, string sha256)
    {
        var folder = await models.MergedTokenizerAsync(pad);

        Convert.ToHexStringLower(System.Security.Cryptography.SHA256.HashData(await File.ReadAllBytesAsync(Path.Combine(folder, "tokenizer.model")))).Should().Be(sha256);
        var last = await AlpacaProcess.RunAsync($"[{pieces - 1}]\n", ["tokenize", "--tokenizer", folder, "--decode"]);
        last.ShouldSucceed().Output.Should().NotBeEmpty();
        (await AlpacaProcess.RunAsync($"[{pieces}]\n", ["tokenize", "--tokenizer", folder, "--decode"])).ShouldFail(1, "*");
    }

    [GoldenTheory]
    [InlineData("base")]
    [InlineData("merged")]
    public async Task Tokenize_EveryReferenceText_GivesTheReferenceIdsAndTextBack(string model)
    {
        var tokenizer = model == "base" ? Golden.Path("tokenizer", "llama.model") : await models.MergedTokenizerAsync(null);
        var expected = JsonDocument.Parse(await File.ReadAllTextAsync(Golden.Path("tokenizer", "expected.json"))).RootElement;
        var vectors = expected.GetProperty("tricky").EnumerateArray().Concat(expected.GetProperty("texts").EnumerateArray()).ToList();
        var lines = new StringBuilder();
        foreach (var vector in vectors) lines.Append(JsonSerializer.Serialize(new { text = vector.GetProperty("text").GetString() })).Append('\n');

        var encoded = (await AlpacaProcess.RunAsync(lines.ToString(), ["tokenize", "--tokenizer", tokenizer, "--json"])).ShouldSucceed();
        var decoded = (await AlpacaProcess.RunAsync(encoded.Output, ["tokenize", "--tokenizer", tokenizer, "--decode"])).ShouldSucceed();

        var ids = encoded.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        var texts = decoded.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        ids.Should().HaveCount(vectors.Count);
        for (var i = 0; i < vectors.Count; i++)
        {
            JsonSerializer.Deserialize<int[]>(ids[i]).Should().Equal(vectors[i].GetProperty(model).Deserialize<int[]>(), "of text {0}", i);
            var back = vectors[i].TryGetProperty("decoded", out var given) ? given.GetString() : vectors[i].GetProperty("text").GetString();
            JsonDocument.Parse(texts[i]).RootElement.GetProperty("text").GetString().Should().Be(back, "of text {0}", i);
        }
    }

    [GoldenTheory]
    [InlineData("Torch")]
    [InlineData("Onnx")]
    public async Task Generate_TinyModel_GivesTheReferenceLogitsAndTokens(string backend)
    {
        var model = await models.ForBackendAsync(backend, merged: false);
        var expected = GoldenModels.Expected;

        var result = await GenerateAsync(model, backend, expected.GetProperty("prompt_ids").Deserialize<int[]>()!);

        result.GetProperty("ids").Deserialize<int[]>().Should().Equal(expected.GetProperty("greedy_16").Deserialize<int[]>());
        ShouldBeClose(result.GetProperty("firstLogits"), expected.GetProperty("last_logits_first_64"), 1e-3);
    }

    [GoldenTheory]
    [InlineData("Torch")]
    [InlineData("Onnx")]
    public async Task Generate_TinyModelInFloat16_GivesTheReferenceLogitsWithinTwoHundredths(string backend)
    {
        var model = await models.ForBackendAsync(backend, merged: false, "fp16");
        var expected = GoldenModels.Expected;

        var result = await GenerateAsync(model, backend, expected.GetProperty("prompt_ids").Deserialize<int[]>()!, backend == "Torch" ? "fp16" : "fp32");

        ShouldBeClose(result.GetProperty("firstLogits"), expected.GetProperty("last_logits_first_64"), 2e-2);
    }

    [GoldenTheory]
    [InlineData("Torch")]
    [InlineData("Onnx")]
    public async Task Generate_BothAdaptersMerged_GivesTheReferenceLogitsAndTokens(string backend)
    {
        var model = await models.ForBackendAsync(backend, merged: true);
        var expected = GoldenModels.Expected.GetProperty("merge");

        var result = await GenerateAsync(model, backend, expected.GetProperty("prompt_ids").Deserialize<int[]>()!);

        result.GetProperty("ids").Deserialize<int[]>().Should().Equal(expected.GetProperty("greedy_16").Deserialize<int[]>());
        ShouldBeClose(result.GetProperty("firstLogits"), expected.GetProperty("last_logits_first_64"), 5e-3);
    }

    [GoldenFact]
    public async Task Train_FromGivenStart_FollowsTheReferenceLossAndGradientNorm()
    {
        var expected = GoldenModels.Expected.GetProperty("train");
        var output = models.Combine("adapter-trained");
        var data = models.Combine("golden-train.json");
        var rows = JsonDocument.Parse(await File.ReadAllTextAsync(Golden.Path("datasets", "alpaca_zh_500.json"))).RootElement.EnumerateArray().Skip(8).Take(8);
        await File.WriteAllTextAsync(data, JsonSerializer.Serialize(rows));

        (await AlpacaProcess.RunAsync(
            "stage", "train", "--model-name-or-path", await models.ConvertedAsync(), "--tokenizer-name-or-path", await models.LlamaTokenizerAsync(),
            "--dataset-dir", data, "--output-dir", output, "--lora-init", Golden.Path("tiny", "train_lora_A_init.bin"),
            "--lora-rank", "4", "--lora-alpha", "16", "--lora-dropout", "0", "--lora-trainable", "q_proj,v_proj,down_proj", "--modules-to-save", "embed_tokens,lm_head",
            "--learning-rate", "1e-3", "--batch-size", "2", "--training-steps", "20", "--warmup-steps", "2", "--lr-scheduler", "cosine", "--max-seq-length", "160",
            "--weight-decay", "0", "--max-grad-norm", "1", "--logging-steps", "1", "--shuffle", "false", "--precision", "fp32")).ShouldSucceed();

        var log = (await File.ReadAllLinesAsync(Path.Combine(output, "train_log.jsonl"))).Select(l => JsonDocument.Parse(l).RootElement).Where(l => l.TryGetProperty("loss", out _)).ToList();
        var losses = expected.GetProperty("loss").Deserialize<double[]>()!;
        var norms = expected.GetProperty("grad_norm").Deserialize<double[]>()!;
        log.Should().HaveCount(losses.Length);
        for (var i = 0; i < losses.Length; i++)
        {
            log[i].GetProperty("step").GetInt32().Should().Be(i + 1);
            log[i].GetProperty("loss").GetDouble().Should().BeApproximately(losses[i], 1e-4, "of step {0}", i + 1);
            log[i].GetProperty("gradNorm").GetDouble().Should().BeApproximately(norms[i], norms[i] * 1e-3, "of step {0}", i + 1);
        }
    }

    private static async Task<JsonElement> GenerateAsync(string model, string backend, int[] promptIds, string loadPrecision = "fp32")
    {
        var ids = string.Join(',', promptIds.Select(id => id.ToString(CultureInfo.InvariantCulture)));
        string[] arguments = ["generate", "--model", model, "--backend", backend, "--prompt-ids", ids, "--temperature", "0", "--max-new-tokens", "16", "--logits", "--json"];
        var environment = new Dictionary<string, string?> { ["ALPACA_Inference__Precision"] = loadPrecision };
        return (await AlpacaProcess.EndAsync(AlpacaProcess.StartUnder([], arguments, environment))).ShouldSucceed().Json;
    }

    private static void ShouldBeClose(JsonElement actual, JsonElement expected, double tolerance)
    {
        var wanted = expected.Deserialize<double[]>()!;
        var got = actual.Deserialize<double[]>()!;
        got.Should().HaveCount(wanted.Length);
        for (var i = 0; i < wanted.Length; i++) got[i].Should().BeApproximately(wanted[i], tolerance, "of logit {0}", i);
    }
}
