using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;
using Alpaca.Abstractions;

namespace Alpaca.Download.Tests;

/// <summary>Repositories of a Hugging Face hub.</summary>
public sealed class HubTests : IAsyncLifetime, IDisposable
{
    private static readonly DownloadRequest Request = new() { Source = $"hf:{HubServer.Repository}" };

    private readonly DownloadBench _bench = new();
    private HubServer _hub = null!;

    public async Task InitializeAsync()
    {
        _hub = await HubServer.StartAsync();
        _bench.SetVariable("HF_ENDPOINT", _hub.Address);
    }

    public async Task DisposeAsync() => await _hub.DisposeAsync();

    public void Dispose() => _bench.Dispose();

    [Fact]
    public async Task Execute_Repository_FetchesWhatAModelFolderNeeds()
    {
        var commit = _hub.Commit(Sharded(1, ("README.md", Content(9)), ("pytorch_model.bin", Content(8)), ("original/consolidated.00.pth", Content(7)), ("tokenizer.model", Content(6)), ("consolidated.safetensors", Content(5))));

        var artifact = await _bench.RunAsync(Request);

        Names().Should().Equal("config.json", "download.json", "model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors", "model.safetensors.index.json", "tokenizer.model");
        File.ReadAllBytes(Path.Combine(_bench.Output, "model-00001-of-00002.safetensors")).Should().Equal(Content(1));
        artifact.Metrics["verified"].Should().Be(5);
        var record = JsonNode.Parse(File.ReadAllText(Path.Combine(_bench.Output, "download.json")))!;
        ((string)record["commit"]!).Should().Be(commit);
        _hub.Requests.Where(r => r.Contains("/resolve/")).Should().OnlyContain(r => r.Contains(commit));
        _bench.Log.All.Should().Contain(m => m.Contains(commit));
    }

    [Fact]
    public async Task Execute_NoSafetensors_FetchesTheBins()
    {
        _hub.Commit(("config.json", Content(1)), ("pytorch_model.bin", Content(2)), ("training_args.bin", Content(3)));

        await _bench.RunAsync(Request);

        Names().Should().Equal("config.json", "download.json", "pytorch_model.bin");
    }

    [Fact]
    public async Task Execute_Adapter_FetchesItsWeights()
    {
        _hub.Commit(("adapter_config.json", Content(1)), ("adapter_model.bin", Content(2)), ("tokenizer.model", Content(3)), ("special_tokens_map.json", Content(4)));

        await _bench.RunAsync(Request);

        Names().Should().Equal("adapter_config.json", "adapter_model.bin", "download.json", "special_tokens_map.json", "tokenizer.model");
    }

    [Fact]
    public async Task Execute_Include_FetchesThoseInTheirFolders()
    {
        _hub.Commit(("config.json", Content(1)), ("original/consolidated.00.pth", Content(2)), ("original/params.json", Content(3)), ("model.safetensors", Content(4)));

        await _bench.RunAsync(Request with { Include = ["original/*", "config.json"] });

        Names().Should().Equal("config.json", "download.json", "original/consolidated.00.pth", "original/params.json");
    }

    [Fact]
    public async Task Execute_IncludeFitsNothing_SaysWhatThereIs()
    {
        _hub.Commit(("config.json", Content(1)), ("model.safetensors", Content(4)));

        (await _bench.FailAsync(Request with { Include = ["config.json", "*.gguf"] })).Message.Should().Match("*no file that fits '*.gguf'*config.json, model.safetensors*");
    }

    [Fact]
    public async Task Execute_NoWeights_SaysSo()
    {
        _hub.Commit(("config.json", Content(1)), ("original/consolidated.00.pth", Content(2)));

        (await _bench.FailAsync(Request)).Message.Should().Match("*neither *.safetensors nor *.bin*--include*");
    }

    [Fact]
    public async Task Execute_IndexNamesAFileThatIsNotThere_SaysSoBeforeTheWeights()
    {
        _hub.Commit([.. Sharded(1).Where(f => f.Name != "model-00002-of-00002.safetensors")]);

        (await _bench.FailAsync(Request)).Message.Should().Match("*has no model-00002-of-00002.safetensors, although its index names it*");
        _hub.Requests.Should().NotContain(r => r.Contains("storage"));
    }

    [Fact]
    public async Task Execute_ListingOfManyPages_FollowsThemOnTheSameHub()
    {
        _hub.PageSize = 2;
        _hub.Commit(Sharded(1));

        await _bench.RunAsync(Request);

        Names().Should().HaveCount(5);
        _hub.Requests.Count(r => r.Contains("/tree/")).Should().Be(3);
    }

    [Fact]
    public async Task Execute_BranchMovesDuringTheDownload_StaysAtTheFirstCommit()
    {
        var first = _hub.Commit(Sharded(1));
        _hub.Asked = _ =>
        {
            if (_hub.Main == first) _hub.Commit(Sharded(50));
        };

        await _bench.RunAsync(Request);

        File.ReadAllBytes(Path.Combine(_bench.Output, "model-00002-of-00002.safetensors")).Should().Equal(Content(2));
    }

    [Fact]
    public async Task Execute_BranchMovesBetweenTries_MixesNothingAndKeepsWhatIsTheSame()
    {
        _hub.Commit(Sharded(1));
        CutAlways();
        await _bench.FailAsync(Request with { ParallelDownloads = 1 });
        _hub.Cuts.Clear();
        _hub.Commit([.. Sharded(50).Where(f => f.Name != "config.json"), ("config.json", Content(100))]);
        _hub.Requests.Clear();

        await _bench.RunAsync(Request with { ParallelDownloads = 1 });

        File.ReadAllBytes(Path.Combine(_bench.Output, "model-00001-of-00002.safetensors")).Should().Equal(Content(50));
        File.ReadAllBytes(Path.Combine(_bench.Output, "model-00002-of-00002.safetensors")).Should().Equal(Content(51));
        _hub.Requests.Should().NotContain(r => r.Contains("/resolve/") && r.Contains("model.safetensors.index.json"), "it is the same in both commits");
    }

    [Fact]
    public async Task Execute_RevisionGiven_TakesThatCommit()
    {
        var first = _hub.Commit(Sharded(1));
        _hub.Commit(Sharded(50));

        await _bench.RunAsync(Request with { Revision = first });

        File.ReadAllBytes(Path.Combine(_bench.Output, "model-00001-of-00002.safetensors")).Should().Equal(Content(1));
    }

    [Fact]
    public async Task Execute_PartOfAnEarlierTry_GoesOnThroughANewRedirect()
    {
        _hub.Commit(Sharded(1));
        var store = new ResumeStore(_bench.Folder.CreateFolder("resume"));
        Directory.CreateDirectory(Path.GetDirectoryName(store.PartOf("x"))!);
        File.WriteAllBytes(store.PartOf("model-00001-of-00002.safetensors"), Content(1)[..1500]);
        store.WriteNote("model-00001-of-00002.safetensors", new TransferNote($"\"{Convert.ToHexStringLower(SHA256.HashData(Content(1)))}\"", 3001));

        await _bench.RunAsync(Request with { ParallelDownloads = 1 });

        File.ReadAllBytes(Path.Combine(_bench.Output, "model-00001-of-00002.safetensors")).Should().Equal(Content(1));
        _hub.Requests.Should().Contain(r => r.StartsWith("localhost storage/") && r.EndsWith("@bytes=1500-"));
    }

    [Fact]
    public async Task Execute_SecondTry_FetchesFinishedFilesNoMore()
    {
        _hub.Commit(Sharded(1));
        CutAlways();
        await _bench.FailAsync(Request with { ParallelDownloads = 1 });
        _hub.Cuts.Clear();
        _hub.Requests.Clear();

        await _bench.RunAsync(Request with { ParallelDownloads = 1 });

        _hub.Requests.Where(r => r.Contains("/resolve/")).Select(r => r.Split('/')[^1].Split('@')[0]).Should().Equal("model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors");
    }

    [Fact]
    public async Task Execute_Token_GoesToTheHubOnly()
    {
        _hub.NeededToken = HubServer.Token;
        _bench.SetVariable("HF_TOKEN", HubServer.Token);
        _hub.Commit(Sharded(1));

        await _bench.RunAsync(Request);

        _hub.Authorizations.Where(a => a.Host == "127.0.0.1").Should().OnlyContain(a => a.Authorization == $"Bearer {HubServer.Token}");
        _hub.Authorizations.Where(a => a.Host == "localhost").Should().HaveCount(2).And.OnlyContain(a => a.Authorization == "");
        ShouldKeepSecrets();
    }

    [Theory]
    [InlineData("HUGGING_FACE_HUB_TOKEN")]
    [InlineData("HF_TOKEN_PATH")]
    public async Task Execute_TokenElsewhereInTheEnvironment_IsUsed(string variable)
    {
        _hub.NeededToken = HubServer.Token;
        _bench.SetVariable(variable, variable == "HF_TOKEN_PATH" ? _bench.Folder.Write("token", $"{HubServer.Token}\n") : HubServer.Token);
        _hub.Commit(Sharded(1));

        await _bench.RunAsync(Request);

        Names().Should().Contain("config.json");
    }

    [Theory]
    [InlineData("HF_TOKEN_PATH", "/nowhere/token", "HF_TOKEN_PATH names /nowhere/token*")]
    [InlineData("HF_TOKEN", "hf_se cret", "*characters that no token has*")]
    [InlineData("HF_ENDPOINT", "gopher://hub", "HF_ENDPOINT is *")]
    public async Task Execute_UnusableVariable_IsAUsageError(string variable, string value, string message)
    {
        _bench.SetVariable(variable, value);

        var failure = await _bench.FailAsync(Request);

        failure.Should().BeOfType<AlpacaUsageException>().Which.Message.Should().Match(message).And.NotContain("hf_se cret");
    }

    [Fact]
    public async Task Execute_TokenWithoutEncryption_IsRefused()
    {
        _bench.SetVariable("HF_ENDPOINT", "http://hub.invalid");
        _bench.SetVariable("HF_TOKEN", HubServer.Token);

        (await _bench.FailAsync(Request)).Message.Should().Match("*unencrypted*").And.NotContain(HubServer.Token);
    }

    [Theory]
    [InlineData(401, null, false, "*answered 401*set HF_TOKEN*")]
    [InlineData(401, null, true, "*answered 401*valid token*")]
    [InlineData(401, "GatedRepo", false, "*gated: accept its licence at http://127.0.0.1:*acme/tiny-llama*set HF_TOKEN*")]
    [InlineData(403, "GatedRepo", true, "*gated*no access yet*accept the licence*")]
    [InlineData(403, null, true, "*may not read*")]
    [InlineData(403, null, false, "*set HF_TOKEN*")]
    [InlineData(404, "RepoNotFound", false, "*check the name*HF_TOKEN*")]
    [InlineData(404, "RevisionNotFound", true, "*no revision 'main'*--revision*")]
    public async Task Execute_Refused_SaysWhatToDo(int status, string? code, bool withToken, string message)
    {
        _hub.Refusal = (status, code);
        if (withToken) _bench.SetVariable("HF_TOKEN", HubServer.Token);

        (await _bench.FailAsync(Request)).Message.Should().Match(message);
        ShouldKeepSecrets();
    }

    [Fact]
    public async Task Execute_NoSuchRevision_SaysSo()
    {
        _hub.Commit(Sharded(1));

        (await _bench.FailAsync(Request with { Revision = "v9" })).Message.Should().Match("*no revision 'v9'*");
    }

    [Fact]
    public async Task Execute_StorageRefuses_SaysItIsNotTheTokenAndShowsNoSignature()
    {
        _hub.Commit(Sharded(1));
        await using var storage = await FileServer.StartAsync(_bench.Folder.CreateFolder("storage"));
        storage.Intercept = (context, _) =>
        {
            context.Response.StatusCode = 403;
            return Task.FromResult(true);
        };
        _hub.Storage = path => $"{storage.OtherName}/{path}?signature=presigned";

        (await _bench.FailAsync(Request)).Message.Should().Match("*answered 403*answer of localhost:*run again*");
        ShouldKeepSecrets();
    }

    [Fact]
    public async Task Execute_RedirectLoop_IsAClearError()
    {
        _hub.Commit(Sharded(1));
        _hub.Storage = path => $"{_hub.Address}/{HubServer.Repository}/resolve/{path}?signature=presigned";

        (await _bench.FailAsync(Request)).Message.Should().Match("*without end*");
        ShouldKeepSecrets();
    }

    [Theory]
    [InlineData("model-00001-of-00002.safetensors", "SHA-256")]
    [InlineData("config.json", "git SHA-1")]
    public async Task Execute_FileIsNotTheListedOne_IsAnError(string name, string algorithm)
    {
        _hub.Commit(Sharded(1));
        _hub.Distort = entry =>
        {
            if ((string)entry["path"]! != name) return;
            if (entry["lfs"] is { } lfs) lfs["oid"] = new string('0', 64);
            else entry["oid"] = new string('0', 40);
        };

        (await _bench.FailAsync(Request)).Message.Should().Match($"{name} has {algorithm} *the repository's listing says 000*");

        _hub.Distort = _ => { };
        await _bench.RunAsync(Request);
        Names().Should().Contain(name);
    }

    [Theory]
    [InlineData("../evil")]
    [InlineData("/etc/evil")]
    [InlineData("a/../../evil")]
    [InlineData("C:/evil")]
    [InlineData("..\\evil")]
    [InlineData("evil\0.json")]
    public async Task Execute_ListingNamesAPathOutside_Refuses(string name)
    {
        _hub.Commit(Sharded(1));
        _hub.Distort = entry => entry["path"] = (string)entry["path"]! == "config.json" ? name : (string)entry["path"]!;

        (await _bench.FailAsync(Request)).Message.Should().Match("*does not stay below a folder*");
    }

    [Fact]
    public async Task Execute_IndexNamesAPathOutside_Refuses()
    {
        _hub.Commit(
            ("config.json", Content(1)), ("model-1.safetensors", Content(2)),
            ("model.safetensors.index.json", Encoding.UTF8.GetBytes("""{"weight_map": {"a": "model-1.safetensors", "b": "../../evil.safetensors"}}""")));

        (await _bench.FailAsync(Request)).Message.Should().Match("model.safetensors.index.json names '../../evil.safetensors'*");
    }

    [Fact]
    public async Task Execute_NamesThatDifferInCapitals_Refuses()
    {
        _hub.Commit(("config.json", Content(1)), ("CONFIG.json", Content(2)), ("model.safetensors", Content(3)));

        (await _bench.FailAsync(Request)).Message.Should().Match("*twice*");
    }

    [Fact]
    public async Task Execute_TooLittleSpace_SaysHowMuchBeforeTheWeights()
    {
        _hub.Commit(Sharded(1));
        _bench.Environment = _bench.Environment with { FreeBytes = _ => 100 };

        (await _bench.FailAsync(Request)).Message.Should().Match($"There is too little room for what is still to fetch*{_bench.Folder.Combine("resume")} has 100 bytes free*");
        _hub.Requests.Should().NotContain(r => r.Contains("storage"));
    }

    private string[] Names()
        => [.. Directory.GetFiles(_bench.Output, "*", SearchOption.AllDirectories).Select(f => Path.GetRelativePath(_bench.Output, f).Replace('\\', '/')).Order(StringComparer.Ordinal)];

    private void CutAlways()
    {
        for (var i = 0; i < 5; i++) _hub.Cuts.Enqueue(0);
    }

    private void ShouldKeepSecrets()
    {
        _bench.Log.All.Should().NotContain(m => m.Contains(HubServer.Token) || m.Contains("presigned"));
        foreach (var file in Directory.GetFiles(_bench.Folder.Path, "*", SearchOption.AllDirectories))
            Encoding.Latin1.GetString(File.ReadAllBytes(file)).Should().NotContain(HubServer.Token).And.NotContain("presigned");
    }

    private static byte[] Content(int seed)
    {
        var content = new byte[3000 + seed];
        new Random(seed).NextBytes(content);
        return content;
    }

    private static (string Name, byte[] Content)[] Sharded(int seed, params (string Name, byte[] Content)[] more) =>
    [
        ("config.json", Content(1000)),
        ("model-00001-of-00002.safetensors", Content(seed)),
        ("model-00002-of-00002.safetensors", Content(seed + 1)),
        ("model.safetensors.index.json", Encoding.UTF8.GetBytes("""{"metadata": {}, "weight_map": {"a": "model-00001-of-00002.safetensors", "b": "model-00002-of-00002.safetensors", "c": "model-00001-of-00002.safetensors"}}""")),
        .. more,
    ];
}
