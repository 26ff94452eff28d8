using System.Reflection;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Microsoft.Data.Sqlite;

namespace Alpaca.IntegrationTests;

/// <summary>A workspace whose pipeline goes from the sample's weights to a judged version, fed with drops, and what has to hold in it after whatever happened.</summary>
internal sealed class CrashBench : IDisposable
{
    private static readonly string RenameFaults =
        typeof(CrashBench).Assembly.GetCustomAttributes<AssemblyMetadataAttribute>().Single(a => a.Key == "RenameFaultsAssembly").Value!;

    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(5);

    private readonly TemporaryFolder _folder = new();
    private readonly HttpClient _client = new();
    private readonly Dictionary<string, string> _good = []; // content by digest
    private readonly List<string> _bad = [];

    /// <param name="isolated">Whether stages run in children.</param>
    public CrashBench(bool isolated)
    {
        _folder.CreateFolder("faults");
        Configuration = _folder.Write("appsettings.json", $$"""
            {
              "Isolation": { "Enabled": {{(isolated ? "true" : "false")}} },
              "Pipelines": { "small": {
                "Stages": {
                  "download": { "Source": "{{Sample.Weights}}", "ModelSize": "tiny" }, "convert": {},
                  "train": {
                    "DatasetDir": [ "{{Sample.Validation}}", "drops/accepted" ], "LoraRank": 2, "TrainingSteps": 4, "SaveSteps": 1, "MaxSeqLength": 48, "BatchSize": 1, "Seed": 1
                  },
                  "merge": {}, "export": {}, "evaluate": { "ValidationFile": "{{_folder.Write("validation.json", """[{"instruction": "a", "output": "b"}]""")}}", "MaxSeqLength": 48 }
                },
                "Promotion": { "Rules": [ "trainLoss < 1000" ] },
                "Drops": { "Folder": "drops", "QuietSeconds": 0.1 } } }
            }
            """);
    }

    public string Configuration { get; }

    private string Workspace => _folder.Combine("workspace");

    /// <summary>Starts the service; the renames are counted from <see cref="Arm"/> on.</summary>
    public ServedProcess Start() => new(Configuration, new Dictionary<string, string?> { ["DOTNET_STARTUP_HOOKS"] = RenameFaults, ["RENAME_FAULTS"] = _folder.Combine("faults") }, "setsid");

    /// <summary>Lets the service and its stages die at a moment; a moment that does not come lets them be counted.</summary>
    public void Arm(int moment)
    {
        File.Delete(_folder.Combine("faults", "renames.log"));
        _folder.Write("faults/at", $"{moment}");
    }

    /// <summary>No rename kills any more.</summary>
    /// <returns>The moments that came.</returns>
    public IReadOnlyList<string> Disarm()
    {
        File.Delete(_folder.Combine("faults", "at"));
        var log = _folder.Combine("faults", "renames.log");
        return File.Exists(log) ? File.ReadAllLines(log) : [];
    }

    /// <summary>Drops one good file, one bad one and one whose content was there before.</summary>
    public void Drop()
    {
        var number = _good.Count;
        var good = $$"""[{"instruction": "question {{number}}", "output": "answer {{number}}"}]""";
        _folder.WriteWhole($"drops/good {number}.json", good);
        if (number > 0) Bad($"again {number}.json", _good.Values.First());
        Bad($"bad {number}.json", $$"""[{"question": {{number}}}]""");
        _good.Add(Digest(good), good);

        void Bad(string name, string content)
        {
            _folder.WriteWhole($"drops/{name}", content);
            _bad.Add(content);
        }
    }

    /// <summary>Waits until the service has done all there is to do.</summary>
    public async Task CompleteAsync(ServedProcess serve)
    {
        var api = new Uri(new Uri(await serve.AddressAsync()), "api/pipelines");
        using var limit = new CancellationTokenSource(Patience);
        var last = "";
        try
        {
            while (!IsDone(last = await _client.GetStringAsync(api, limit.Token)) || Directory.GetFiles(_folder.Combine("drops")).Length > 0)
            {
                serve.Process.HasExited.Should().BeFalse("its log was: {0}", serve.Log);
                await Task.Delay(200, limit.Token);
            }
        }
        catch (OperationCanceledException)
        {
            throw new TimeoutException($"The service does not come to an end of its work: {last}\n{string.Join('\n', Directory.GetFiles(_folder.Combine("drops")))}\n{serve.Log}");
        }
    }

    /// <summary>What has to hold whenever the service has done its work.</summary>
    public void Verify()
    {
        foreach (var artifact in Directory.GetDirectories(Path.Combine(Workspace, "artifacts")).SelectMany(Directory.GetDirectories)) VerifyArtifact(artifact);
        VerifyDrops();
        foreach (var database in Directory.GetFiles(Workspace, "*.db")) Ask(database, "PRAGMA integrity_check").Should().Equal("ok");
        Ask(Path.Combine(Workspace, "runs.db"), "SELECT outcome FROM runs").Should().NotContain("Running").And.NotContain("Failed");
        VerifyRegistry();
    }

    /// <summary>Every file that was accepted was trained on, and nothing is left to do.</summary>
    public async Task VerifyPlanAsync()
    {
        var plan = (await AlpacaProcess.RunAsync("plan", "small", "--config", Configuration, "--json")).ShouldSucceed().Json;
        plan.EnumerateArray().Should().OnlyContain(stage => stage.GetProperty("upToDate").GetBoolean(), plan.GetRawText());
    }

    public void Dispose()
    {
        _client.Dispose();
        _folder.Dispose();
    }

    private static bool IsDone(string pipelines)
    {
        using var document = JsonDocument.Parse(pipelines);
        var pipeline = document.RootElement[0];
        return !pipeline.GetProperty("isBusy").GetBoolean() && pipeline.GetProperty("newSamples").GetInt32() == 0 && pipeline.TryGetProperty("lastRun", out _);
    }

    private static void VerifyArtifact(string folder)
    {
        Path.GetFileName(folder).Should().NotStartWith(".", "what was left unfinished is cleared away");
        using var manifest = JsonDocument.Parse(File.ReadAllText(Path.Combine(folder, "manifest.json")));
        var files = manifest.RootElement.GetProperty("files").EnumerateArray().ToDictionary(f => f.GetProperty("path").GetString()!, f => f.GetProperty("sha256").GetString());
        Sample.Snapshot(folder).Where(file => file.Key != "manifest.json").Should().BeEquivalentTo(files, folder);
    }

    private void VerifyDrops()
    {
        var drops = _folder.Combine("drops");
        var accepted = Directory.GetFiles(Path.Combine(drops, "accepted"));
        accepted.Select(file => Digest(File.ReadAllText(file))).Should().BeEquivalentTo(_good.Keys, "each is there once");
        accepted.Should().OnlyContain(file => Path.GetFileName(file).StartsWith(Digest(File.ReadAllText(file)), StringComparison.Ordinal));

        var rejected = Directory.GetFiles(Path.Combine(drops, "rejected")).Where(file => !file.EndsWith(".reason.json", StringComparison.Ordinal)).ToList();
        rejected.Select(File.ReadAllText).Should().BeEquivalentTo(_bad);
        Directory.GetFiles(Path.Combine(drops, "rejected"), "*.reason.json").Should().BeEquivalentTo(rejected.Select(file => $"{file}.reason.json"));
        foreach (var file in rejected) JsonDocument.Parse(File.ReadAllText($"{file}.reason.json")).RootElement.GetProperty("reason").GetString().Should().NotBeNullOrEmpty();
        Directory.GetFiles(drops).Where(file => Path.GetFileName(file)[0] != '.').Should().BeEmpty();
    }

    private void VerifyRegistry()
    {
        var registry = Path.Combine(Workspace, "registry", "small");
        using var aliases = JsonDocument.Parse(File.ReadAllText(Path.Combine(registry, "aliases.json")));
        var versions = Directory.GetFiles(Path.Combine(registry, "versions"), "*.json").Order().ToDictionary(file => Path.GetFileNameWithoutExtension(file), file => JsonDocument.Parse(File.ReadAllText(file)).RootElement);
        versions.Should().ContainKey($"{aliases.RootElement.GetProperty("champion").GetInt32()}");
        versions.Keys.Select(int.Parse).Order().Should().Equal(Enumerable.Range(1, versions.Count), "no number is left out");
        Directory.GetFiles(registry, ".*", SearchOption.AllDirectories).Should().BeEmpty();
    }

    private static List<string> Ask(string database, string query)
    {
        using var connection = new SqliteConnection(new SqliteConnectionStringBuilder { DataSource = database, Pooling = false }.ToString());
        connection.Open();
        using var command = connection.CreateCommand();
        command.CommandText = query;
        using var reader = command.ExecuteReader();
        var found = new List<string>();
        while (reader.Read()) found.Add(reader.GetString(0));
        return found;
    }

    private static string Digest(string content) => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(content)));
}
