using System.Security.Cryptography;
using System.Text.Json;
using Alpaca.Formats;

namespace Alpaca.Host.Tests;

/// <summary>inspect and tokenize.</summary>
public sealed class TensorAndTokenVerbTests : IDisposable
{
    private static readonly string Tokenizer = Path.Combine(Golden.RepositoryRoot, "samples", "llama-tiny");
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task Inspect_JsonWithDigests_IsOneDocumentOfNameTypeShapeAndDigest()
    {
        byte[] data = [0, 60, 0, 64, 0, 66, 0, 68];
        var file = WriteTensor(data);

        var tensors = (await CommandRun.InvokeAsync("inspect", file, "--json", "--digests")).ShouldSucceed().Json.GetProperty("tensors");

        tensors.GetArrayLength().Should().Be(1);
        tensors[0].GetProperty("name").GetString().Should().Be("权重");
        tensors[0].GetProperty("dtype").GetString().Should().Be("float16");
        tensors[0].GetProperty("shape").Deserialize<long[]>().Should().Equal(2, 2);
        tensors[0].GetProperty("sha256").GetString().Should().Be(Convert.ToHexStringLower(SHA256.HashData(data)));
    }

    [Fact]
    public async Task Inspect_WithoutDigests_HasNoneAndTheTableHasTotals()
    {
        var file = WriteTensor(new byte[8]);

        (await CommandRun.InvokeAsync("inspect", file, "--json")).Json.GetProperty("tensors")[0].TryGetProperty("sha256", out _).Should().BeFalse();
        (await CommandRun.InvokeAsync("inspect", file)).ShouldSucceed().Output.Should().Contain("权重").And.Contain("[2, 2]").And.Contain("1 tensors, 4 elements");
    }

    [Fact]
    public async Task Inspect_Diff_TellsLargestDifferenceAndCount()
    {
        var left = WriteTensor([0, 60, 0, 64, 0, 66, 0, 68]);
        File.Move(left, _folder.Combine("left.safetensors"));
        var right = WriteTensor([0, 60, 0, 64, 0, 66, 0, 69]);
        string[] diff = ["inspect", "--diff", _folder.Combine("left.safetensors"), right];

        var json = (await CommandRun.InvokeAsync([.. diff, "--json"])).ShouldSucceed().Json;
        var text = (await CommandRun.InvokeAsync(diff)).ShouldSucceed().Output;

        (json.GetProperty("same").GetInt32(), json.GetProperty("different").GetInt32()).Should().Be((0, 1));
        json.GetProperty("tensors")[0].GetProperty("maxAbsoluteDifference").GetDouble().Should().Be(1);
        json.GetProperty("tensors")[0].GetProperty("differentElements").GetInt64().Should().Be(1);
        text.Should().Contain("权重").And.Contain("1 of 4").And.Contain("1 of 1 tensors differ, 0 are the same.");
        (await CommandRun.InvokeAsync("inspect", "--diff", right, right)).ShouldSucceed().Output.Should().Contain("All 1 tensors are the same.");
    }

    [Theory]
    [InlineData("name a second path", "a", "--diff")]
    [InlineData("compare two with --diff", "a", "b")]
    [InlineData("--digests does not go with --diff", "a", "b", "--diff", "--digests")]
    public async Task Inspect_PathsAndOptionsDoNotFit_SaysSo(string message, params string[] arguments)
        => (await CommandRun.InvokeAsync(["inspect", .. arguments])).ShouldFail(ExitCodes.Usage, message);

    [Fact]
    public async Task Inspect_NotAModel_NamesTheFile()
        => (await CommandRun.InvokeAsync("inspect", _folder.Write("x.bin", "hello"), "--json")).ShouldFail(ExitCodes.Failure, "x.bin");

    [Fact]
    public async Task Tokenize_JsonAndPlainLines_GiveOneArrayALineAndBack()
    {
        var lines = "{\"text\":\"Hello, world\\nagain\"}\nplain {text}\n{\"text\":\"中国的首都 \"}\n\n";

        var ids = (await CommandRun.WithInputAsync(lines, "tokenize", "--tokenizer", Tokenizer)).ShouldSucceed().Output;
        var texts = (await CommandRun.WithInputAsync(ids, "tokenize", "--tokenizer", Tokenizer, "--decode")).ShouldSucceed().Output;

        ids.Split('\n').Should().HaveCount(5);
        ids.Split('\n')[3].Should().Be("[]");
        texts.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(t => JsonDocument.Parse(t).RootElement.GetProperty("text").GetString())
            .Should().Equal("Hello, world\nagain", "plain {text}", "中国的首都 ", "");
        texts.Should().Contain("中国", "Chinese is written as it is");
    }

    [Theory]
    [InlineData("llama3.tiktoken")]
    [InlineData("unigram.model")]
    public async Task Tokenize_OtherKindsOfTokenizers_WorkAlike(string model)
    {
        File.Copy(Path.Combine(Golden.RepositoryRoot, "tests", "Alpaca.Text.Tests", "Fixtures", model), _folder.Combine("tokenizer.model"));

        var ids = (await CommandRun.WithInputAsync("the sea 学习\n", "tokenize", "--tokenizer", _folder.Path)).ShouldSucceed().Output;
        var text = (await CommandRun.WithInputAsync(ids, "tokenize", "--tokenizer", _folder.Path, "--decode")).ShouldSucceed().Output;

        JsonDocument.Parse(text).RootElement.GetProperty("text").GetString().Should().Be("the sea 学习");
    }

    [Theory]
    [InlineData("--json", "{\"text\":\"a\"}\nplain\n", "Line 2")]
    [InlineData("--json", "{\"txt\":\"a\"}\n", "Line 1")]
    [InlineData("--decode", "[1]\n[999999]\n", "Line 2*999999")]
    [InlineData("--decode", "[1\n", "Line 1")]
    public async Task Tokenize_LineCannotBeUsed_NamesIt(string option, string input, string message)
    {
        var run = await CommandRun.WithInputAsync(input, "tokenize", "--tokenizer", Tokenizer, option);

        run.ExitCode.Should().Be(ExitCodes.Failure);
        run.Error.Should().Match($"alpaca: *{message}*");
    }

    [Fact]
    public async Task Tokenize_NoTokenizerThere_NamesTheFolder()
        => (await CommandRun.InvokeAsync("tokenize", "--tokenizer", _folder.Path)).ShouldFail(ExitCodes.Failure, "tokenizer.model");

    private string WriteTensor(byte[] data)
    {
        var file = _folder.Combine("model.safetensors");
        using var writer = new SafetensorsWriter(file, [new TensorInfo("权重", DType.Float16, [2, 2])]);
        writer.Write("权重", 0, data);
        writer.Complete();
        return file;
    }
}
