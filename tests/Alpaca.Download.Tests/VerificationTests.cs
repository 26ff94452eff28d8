using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;
using Alpaca.Abstractions;

namespace Alpaca.Download.Tests;

/// <summary>What files are checked against, while they are fetched and afterwards.</summary>
public sealed class VerificationTests : IDisposable
{
    private readonly WeightFolder _source = new("7B", shards: 1, shardBytes: 1000);
    private readonly DownloadBench _bench = new();

    public void Dispose()
    {
        _bench.Dispose();
        _source.Dispose();
    }

    [Theory]
    [InlineData("7B", 4096, 32, 32, "1e-06")]
    [InlineData("13B", 5120, 40, 40, "1e-06")]
    [InlineData("30B", 6656, 52, 60, "1e-06")]
    [InlineData("33B", 6656, 52, 60, "1e-06")]
    [InlineData("65B", 8192, 64, 80, "1e-05")]
    public void Find_ParametersAsMetaWroteThem_HaveTheKnownDigest(string size, int dim, int heads, int layers, string epsilon)
    {
        var text = $$"""{"dim": {{dim}}, "multiple_of": 256, "n_heads": {{heads}}, "n_layers": {{layers}}, "norm_eps": {{epsilon}}, "vocab_size": -1}""";

        KnownDigests.Llama.Find($"{size}/params.json").Should().Be(Convert.ToHexStringLower(SHA256.HashData(Encoding.ASCII.GetBytes(text))));
    }

    [Fact]
    public void FilesOf_EverySize_HasItsShardsWithWholeDigests()
    {
        foreach (var (size, shards) in new[] { ("7B", 1), ("13B", 2), ("30B", 4), ("33B", 4), ("65B", 8) })
        {
            KnownDigests.Llama.FilesOf(size).Should().Equal(MetaNames.FilesOf(size)).And.HaveCount(shards + 1);
            KnownDigests.Llama.FilesOf(size).Select(file => KnownDigests.Llama.Find($"{size}/{file}")).Append(KnownDigests.Llama.Find("tokenizer.model"))
                .Should().OnlyContain(digest => digest!.Length == 64 && digest.All(char.IsAsciiHexDigitLower)).And.OnlyHaveUniqueItems();
        }
    }

    [Fact]
    public async Task Execute_NoListButKnownFiles_IsVerified()
    {
        UseSourceAsKnown();
        RemoveLists();

        var artifact = await _bench.RunAsync(_source.Path, "7B");

        artifact.Metrics["verified"].Should().Be(3);
        artifact.Metrics["genuine"].Should().Be(3);
        _bench.Log.All.Should().Contain(m => m.Contains("7B is genuine LLaMA 1"));
        _bench.ShouldEqual(_source.Path);
    }

    [Theory]
    [InlineData("7B/consolidated.00.pth")]
    [InlineData("7B/params.json")]
    [InlineData("tokenizer.model")]
    public async Task Execute_NoListAndAnotherFile_IsAnError(string name)
    {
        UseSourceAsKnown();
        RemoveLists();
        _source.Write(name, new byte[1000]);

        (await _bench.FailAsync(_source.Path, "7B")).Message.Should().Match($"{name} has SHA-256 *the published digest of LLaMA's file says *checklist.chk*");
    }

    [Fact]
    public async Task Execute_NoListAndAFileIsMissing_SaysWhatIs()
    {
        UseSourceAsKnown();
        RemoveLists();
        File.Delete(_source.Combine("7B/params.json"));

        (await _bench.FailAsync(_source.Path, "7B")).Message.Should().Match("*has no 7B/checklist.chk and no 7B/params.json;*");
    }

    [Fact]
    public async Task Execute_ListVouchesForAnotherModelOfThatName_IsTakenAndSaid()
    {
        var artifact = await _bench.RunAsync(_source.Path, "7B");

        artifact.Metrics["verified"].Should().Be(3);
        artifact.Metrics["genuine"].Should().Be(0);
        _bench.Log.All.Should().Contain(m => m.StartsWith("Warning") && m.Contains("7B has the name of a LLaMA 1 folder"));
        _bench.ShouldEqual(_source.Path);
    }

    [Fact]
    public async Task Execute_ListAndKnownFile_CountsItAsGenuine()
    {
        UseSourceAsKnown();

        var artifact = await _bench.RunAsync(_source.Path, "7B");

        artifact.Metrics["genuine"].Should().Be(3);
    }

    [Fact]
    public async Task Execute_TokenizerWithoutListBesideAnotherSize_IsTakenWithAWarning()
    {
        using var source = new WeightFolder(shardBytes: 1000);
        File.Delete(source.Combine("tokenizer_checklist.chk"));

        var artifact = await _bench.RunAsync(source.Path);

        artifact.Metrics["verified"].Should().Be(3);
        _bench.Log.All.Should().Contain(m => m.StartsWith("Warning") && m.Contains("tokenizer.model"));
    }

    [Fact]
    public async Task Execute_ListMendedAfterAMismatch_IsSeenByTheNextTry()
    {
        await using var server = await FileServer.StartAsync(_source.Path);
        server.ETag = null;
        var right = File.ReadAllText(_source.Combine("7B/checklist.chk"));
        File.WriteAllText(_source.Combine("7B/checklist.chk"), new string('0', 32) + right[32..]);
        await _bench.FailAsync(server.Address, "7B");
        File.WriteAllText(_source.Combine("7B/checklist.chk"), right);

        await _bench.RunAsync(server.Address, "7B");

        _bench.ShouldEqual(_source.Path);
    }

    [Fact]
    public async Task VerifyOnly_GoodFolder_WritesAReportOnly()
    {
        UseSourceAsKnown();
        _source.Write("notes.txt", [1]);

        var artifact = await VerifyAsync(_source.Path);

        Directory.GetFileSystemEntries(_bench.Output).Select(Path.GetFileName).Should().Equal("verification.json");
        Verdicts().Should().Equal(("7B/consolidated.00.pth", "genuine"), ("7B/params.json", "genuine"), ("notes.txt", "unverified"), ("tokenizer.model", "genuine"));
        var first = Report()[0]!;
        ((long)first["size"]!).Should().Be(1000);
        ((string)first["md5"]!).Should().Be(Convert.ToHexStringLower(MD5.HashData(File.ReadAllBytes(_source.Combine("7B/consolidated.00.pth")))));
        ((string)first["sha256"]!).Should().Be(Convert.ToHexStringLower(SHA256.HashData(File.ReadAllBytes(_source.Combine("7B/consolidated.00.pth")))));
        artifact.Metrics["verified"].Should().Be(3);
        _bench.Log.All.Should().Contain(m => m.Contains("notes.txt"));
    }

    [Fact]
    public async Task VerifyOnly_ListedButNotKnownFiles_AreVerified()
    {
        await VerifyAsync(_source.Path);

        Verdicts().Select(v => v.Verdict).Should().OnlyContain(v => v == "verified");
    }

    [Fact]
    public async Task VerifyOnly_BadFiles_NamesThemAll()
    {
        _source.Write("7B/consolidated.00.pth", new byte[1000]);
        File.Delete(_source.Combine("7B/params.json"));

        var failure = await _bench.FailAsync(new DownloadRequest { Source = _source.Path, VerifyOnly = true });

        failure.Message.Should().Match("2 of 3 files of *7B/consolidated.00.pth has MD5 * instead of *; 7B/params.json is missing*");
    }

    [Fact]
    public async Task VerifyOnly_KnownSizeWithoutList_GoesByThePublishedDigests()
    {
        UseSourceAsKnown();
        RemoveLists();
        await VerifyAsync(_source.Path);
        _source.Write("7B/params.json", [1]);

        (await _bench.FailAsync(new DownloadRequest { Source = _source.Path, VerifyOnly = true })).Message.Should().Match("*7B/params.json has SHA-256 *");
    }

    [Fact]
    public async Task VerifyOnly_TheSizeFolderItself_KnowsItsName()
    {
        UseSourceAsKnown();
        RemoveLists();

        await VerifyAsync(_source.Combine("7B"));

        Verdicts().Should().Equal(("consolidated.00.pth", "genuine"), ("params.json", "genuine"));
    }

    [Fact]
    public async Task VerifyOnly_OneSize_LeavesTheOthersAlone()
    {
        _source.Write("13B/params.json", [1]);

        await _bench.RunAsync(new DownloadRequest { Source = _source.Path, VerifyOnly = true, ModelSize = ["7B"] });

        Verdicts().Select(v => v.File).Should().Equal("7B/consolidated.00.pth", "7B/params.json", "tokenizer.model");
    }

    [Fact]
    public async Task VerifyOnly_EarlierHubDownload_GoesByItsRecord()
    {
        await using var hub = await HubServer.StartAsync();
        hub.Commit(("config.json", [1, 2]), ("model.safetensors", new byte[500]), ("tokenizer.model", [3]));
        _bench.SetVariable("HF_ENDPOINT", hub.Address);
        await _bench.RunAsync(new DownloadRequest { Source = $"hf:{HubServer.Repository}" });
        var download = _bench.Output;

        await VerifyAsync(download);

        Verdicts().Should().Equal(("config.json", "verified"), ("model.safetensors", "verified"), ("tokenizer.model", "verified"));
        File.WriteAllBytes(Path.Combine(download, "model.safetensors"), new byte[499]);
        (await _bench.FailAsync(new DownloadRequest { Source = download, VerifyOnly = true })).Message.Should().Match("1 of 3 files of *model.safetensors has SHA-256*");
    }

    [Fact]
    public async Task VerifyOnly_NothingToGoBy_SaysSo()
    {
        var folder = _bench.Folder.CreateFolder("plain");
        File.WriteAllText(Path.Combine(folder, "a.txt"), "a");

        (await _bench.FailAsync(new DownloadRequest { Source = folder, VerifyOnly = true })).Message.Should().Match("Nothing says what the files of *");
    }

    [Fact]
    public async Task VerifyOnly_NoSuchSize_SaysSo()
        => (await _bench.FailAsync(new DownloadRequest { Source = _source.Path, VerifyOnly = true, ModelSize = ["65B"] })).Message.Should().Match("*has no folder 65B*");

    private Task<WeightsArtifact> VerifyAsync(string folder) => _bench.RunAsync(new DownloadRequest { Source = folder, VerifyOnly = true });

    private JsonArray Report() => JsonNode.Parse(File.ReadAllText(Path.Combine(_bench.Output, "verification.json")))!["files"]!.AsArray();

    private IEnumerable<(string File, string Verdict)> Verdicts() => Report().Select(f => ((string)f!["file"]!, (string)f["verdict"]!));

    private void UseSourceAsKnown()
    {
        var files = new Dictionary<string, string> { ["params.json"] = Sha256("7B/params.json"), ["consolidated.00.pth"] = Sha256("7B/consolidated.00.pth") };
        _bench.Environment = _bench.Environment with { Known = new KnownDigests(Sha256("tokenizer.model"), new Dictionary<string, IReadOnlyDictionary<string, string>> { ["7B"] = files }) };
    }

    private void RemoveLists()
    {
        File.Delete(_source.Combine("tokenizer_checklist.chk"));
        File.Delete(_source.Combine("7B/checklist.chk"));
    }

    private string Sha256(string name) => Convert.ToHexStringLower(SHA256.HashData(File.ReadAllBytes(_source.Combine(name))));
}
