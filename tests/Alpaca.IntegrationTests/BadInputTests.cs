using System.IO.Compression;
using System.Text;

namespace Alpaca.IntegrationTests;

/// <summary>What users most often get wrong: one clear sentence, the right exit code, nothing lost, nothing half-written.</summary>
public sealed class BadInputTests(SampleModels models) : IClassFixture<SampleModels>, IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task Convert_ShardMissing_NamesIt()
    {
        var weights = Sample.CopyWeightsTo(_folder.Combine("weights"));
        File.Delete(Path.Combine(weights, "tiny", "consolidated.00.pth"));

        await ShouldFailAsync(1, "*consolidated.00.pth*", weights, "convert", "--input-dir", weights);
    }

    [Fact]
    public async Task Convert_LastShardMissing_IsSeenFromTheShapes()
    {
        var weights = Sample.CopyWeightsTo(_folder.Combine("weights"));
        File.Delete(Path.Combine(weights, "tiny", "consolidated.01.pth"));

        await ShouldFailAsync(1, "*consolidated.01.pth is missing*2 shards*", weights, "convert", "--input-dir", weights);
    }

    [Fact]
    public async Task Convert_NamedSizeIsAnotherModels_NamesBoth()
    {
        var weights = Sample.CopyWeightsTo(_folder.Combine("weights"));
        Directory.Move(Path.Combine(weights, "tiny"), Path.Combine(weights, "30B"));

        await ShouldFailAsync(1, "*30B is 6656 wide with 60*", weights, "convert", "--input-dir", weights, "--model-size", "30B");
    }

    [Fact]
    public async Task Download_WrongMd5_NamesTheFile()
    {
        var weights = Sample.CopyWeightsTo(_folder.Combine("weights"));
        var shard = Path.Combine(weights, "tiny", "consolidated.01.pth");
        var content = await File.ReadAllBytesAsync(shard);
        content[^1] ^= 1;
        await File.WriteAllBytesAsync(shard, content);

        await ShouldFailAsync(1, "*tiny/consolidated.01.pth has MD5*", weights, "download", "--source", weights, "--model-size", "tiny");
    }

    [Theory]
    [InlineData(100)]
    [InlineData(20_000)]
    public async Task Convert_TruncatedCheckpoint_NamesTheFile(int length)
    {
        var weights = Sample.CopyWeightsTo(_folder.Combine("weights"));
        await using (var shard = File.OpenWrite(Path.Combine(weights, "tiny", "consolidated.01.pth"))) shard.SetLength(length);

        await ShouldFailAsync(1, "*consolidated.01.pth*", weights, "convert", "--input-dir", weights);
    }

    [Fact]
    public async Task Convert_CheckpointNamesForbiddenGlobal_RefusesIt()
    {
        var weights = Sample.CopyWeightsTo(_folder.Combine("weights"));
        var shard = Path.Combine(weights, "tiny", "consolidated.01.pth");
        File.Delete(shard);
        using (var archive = ZipFile.Open(shard, ZipArchiveMode.Create))
        {
            // pickle protocol 2: os.system('true')
            await using var pickle = archive.CreateEntry("archive/data.pkl", CompressionLevel.NoCompression).Open();
            await pickle.WriteAsync(Encoding.Latin1.GetBytes("\u0080\u0002cos\nsystem\nX\u0004\u0000\u0000\u0000true\u0085R."));
        }

        await ShouldFailAsync(1, "*consolidated.01.pth*os.system*", weights, "convert", "--input-dir", weights);
    }

    [Fact]
    public async Task Train_TokenizerSmallerThanVocabulary_NamesBothAndTheMend()
    {
        var big = await GrownModelAsync();

        await ShouldFailAsync(1, "*1024 pieces*2094*", big, "train", "--model-name-or-path", big, "--tokenizer-name-or-path", Sample.Weights, "--dataset-dir", Sample.Validation);
    }

    [Fact]
    public async Task Generate_TokenizerSmallerThanVocabulary_NamesBothAndTheMend()
    {
        var result = await AlpacaProcess.RunAsync("generate", "--model", await GrownModelAsync(), "--tokenizer", Sample.Weights, "--prompt", "Hello", "--max-new-tokens", "4");

        result.ShouldFail(1, "*tokenizer*");
    }

    [Fact]
    public async Task Merge_AdaptersInWrongOrder_SaysSwapThem()
    {
        var (first, second) = await TwoAdaptersAsync();

        await ShouldFailAsync(1, "*swap*", first, "merge", "--base-model", await models.ModelAsync(), "--lora-model", $"{second},{first}");
    }

    [Theory]
    [InlineData("not JSON at all", "*bad.json*")]
    [InlineData("""[{"instruction": "x", "input": ""}]""", "*bad.json*output*")]
    [InlineData("[]", "*bad.json*")]
    [InlineData("", "*bad.json*")]
    public async Task Train_UnusableData_NamesTheFile(string content, string message)
    {
        var data = _folder.Write("bad.json", content);

        await ShouldFailAsync(1, message, _folder.Path, "train", "--model-name-or-path", await models.ModelAsync(), "--tokenizer-name-or-path", Sample.Weights, "--dataset-dir", data);
    }

    [Fact]
    public async Task Train_OneBadFileInAFolder_NamesItsLine()
    {
        _folder.Write("data/a.jsonl", """{"instruction": "x", "output": "y"}""");
        _folder.Write("data/b.jsonl", """
            {"instruction": "x", "output": "y"}
            {"instruction": "x", "output"
            """);

        await ShouldFailAsync(1, "*b.jsonl, line 2: not JSON*", _folder.Path, "train", "--model-name-or-path", await models.ModelAsync(), "--tokenizer-name-or-path", Sample.Weights, "--dataset-dir", _folder.Combine("data"));
    }

    [Fact]
    public async Task Pretrain_OneFileIsNotUtf8_NamesItsLineAndByte()
    {
        _folder.Write("text/a.txt", "good\n");
        _folder.Write("text/b.txt", "");
        await File.WriteAllBytesAsync(_folder.Combine("text", "b.txt"), [.. "good\n"u8, 0xC4, 0xE3, .. "\n"u8]);

        await ShouldFailAsync(1, "*b.txt, line 2: byte 5 of the file is not UTF-8*", _folder.Path, await PretrainOptionsAsync());
    }

    [Theory]
    [InlineData("text/a.txt", "\n \r\n\t\n", "*no text in *a.txt*every line is blank*")]
    [InlineData("text/a.md", "text", "*text has no .txt file*")]
    [InlineData("text/sub/a.txt", "text", "*text has no .txt file*")]
    public async Task Pretrain_NoText_SaysWhere(string file, string content, string message)
    {
        _folder.Write(file, content);

        await ShouldFailAsync(1, message, _folder.Path, await PretrainOptionsAsync());
    }

    [Fact]
    public async Task Run_UnknownConfigurationKeys_NamesThemAllAtOnce()
    {
        var config = await File.ReadAllTextAsync(Path.Combine(Golden.RepositoryRoot, "appsettings.json"));
        var spoiled = _folder.Write("appsettings.json", config.Replace("\"LoraRank\"", "\"LoraRnak\"", StringComparison.Ordinal).Replace("\"Workspace\"", "\"Workspcae\"", StringComparison.Ordinal));

        var result = await AlpacaProcess.RunAsync("run", "--config", spoiled, "--workspace", _folder.Combine("workspace"));

        result.ShouldFail(2, "*Workspcae*LoraRnak*");
        Directory.Exists(_folder.Combine("workspace", "artifacts")).Should().BeFalse();
    }

    [Fact]
    public async Task Stage_UnknownOption_IsAUsageError()
        => (await AlpacaProcess.RunAsync("stage", "convert", "--input-dri", "x", "--output-dir", _folder.Combine("out"))).ShouldFail(2, "*input-dri*");

    [Fact]
    public async Task Stage_OutputFolderCannotBeWritten_SaysSo()
    {
        var file = _folder.Write("file", "");

        (await AlpacaProcess.RunAsync("stage", "convert", "--input-dir", Sample.Weights, "--output-dir", Path.Combine(file, "out"))).ShouldFail(2, "*cannot be written*");
    }

    [Fact]
    public async Task Stage_OutputFolderHasFiles_RefusesAndKeepsThem()
    {
        _folder.Write("out/precious.txt", "keep me");

        (await AlpacaProcess.RunAsync("stage", "convert", "--input-dir", Sample.Weights, "--output-dir", _folder.Combine("out"))).ShouldFail(2, "*not empty*--overwrite*");

        Directory.GetFileSystemEntries(_folder.Combine("out")).Should().Equal(_folder.Combine("out", "precious.txt"));
    }

    /// <summary>The stage fails with one sentence, its inputs are as they were, and no output folder appears.</summary>
    private async Task ShouldFailAsync(int exitCode, string message, string inputs, params string[] stageAndOptions)
    {
        var before = Sample.Snapshot(inputs);
        var output = _folder.Combine("output");

        var result = await AlpacaProcess.RunAsync(null, ["stage", .. stageAndOptions, "--output-dir", output]);

        result.ShouldFail(exitCode, message);
        Directory.Exists(output).Should().BeFalse("a failed stage publishes nothing");
        Sample.Snapshot(inputs).Should().Equal(before);
    }

    /// <summary>The stage and its options on the folder <c>text</c>.</summary>
    private async Task<string[]> PretrainOptionsAsync()
        => ["pretrain", "--model-name-or-path", await models.ModelAsync(), "--tokenizer-name-or-path", Sample.Weights, "--dataset-dir", _folder.Combine("text")];

    private async Task<(string First, string Second)> TwoAdaptersAsync()
        => (await models.AdapterAsync("adapter-base", Sample.Weights), await models.AdapterAsync("adapter-merged", await models.TokenizerAsync()));

    /// <summary>The sample model with the merged vocabulary.</summary>
    private async Task<string> GrownModelAsync()
    {
        var adapter = await models.AdapterAsync($"adapter-{Guid.NewGuid():n}", await models.TokenizerAsync());
        var output = _folder.Combine("grown");
        (await AlpacaProcess.RunAsync("stage", "merge", "--base-model", await models.ModelAsync(), "--lora-model", adapter, "--output-dir", output)).ShouldSucceed();
        return output;
    }
}
