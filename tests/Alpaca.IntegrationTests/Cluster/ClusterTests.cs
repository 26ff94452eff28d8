using System.Text.Json;
using System.Text.Json.Nodes;
using Npgsql;
using Xunit.Abstractions;

namespace Alpaca.IntegrationTests;

/// <summary>Two services that share a workspace and a PostgreSQL database.</summary>
[Trait("Category", "Slow")]
public sealed class ClusterTests : IAsyncLifetime, IDisposable
{
    private const int Pipelines = 50;

    private readonly ITestOutputHelper _output;
    private readonly TemporaryFolder _folder = new();
    private readonly NpgsqlConnectionStringBuilder _database = new(TestPostgres.Connection ?? "Host=none") { Database = $"test_{Guid.NewGuid():n}", SearchPath = "alpaca", Pooling = false };
    private readonly HttpClient _client = new();

    public ClusterTests(ITestOutputHelper output) => _output = output;

    public Task InitializeAsync() => TestPostgres.Connection is { } server ? OrderAsync(server, $"CREATE DATABASE {_database.Database}") : Task.CompletedTask;

    public async Task DisposeAsync()
    {
        if (TestPostgres.Connection is { } server) await OrderAsync(server, $"DROP DATABASE {_database.Database} WITH (FORCE)");
    }

    public void Dispose()
    {
        _client.Dispose();
        _folder.Dispose();
    }

    [PostgresFact]
    public async Task Serve_50RunsTriggeredAtTwoWorkers_EachRunsOnce()
    {
        var names = Enumerable.Range(1, Pipelines).Select(i => $"p{i:00}").ToList();
        var gate = _folder.Write("gate", "");
        var pipelines = new JsonObject(names.Select(name => KeyValuePair.Create(
            name, (JsonNode?)new JsonObject { ["Stages"] = new JsonObject { ["acme-note"] = new JsonObject { ["Text"] = name, ["Mishap"] = "wait", ["Appendix"] = gate } } })));
        using var first = Start("first", pipelines);
        using var second = Start("second", pipelines);
        var workers = new[] { new Uri(await first.AddressAsync()), new Uri(await second.AddressAsync()) };

        // Each at both: the second order finds the run waiting, or comes after it has begun.
        var queued = await Task.WhenAll(names.Select(async (name, i) => await TriggerAsync(workers[i % 2], name)));
        queued.Should().OnlyContain(isNew => isNew);

        // A worker has one run at a time, and each waits for the gate: so both take part, however fast one of them is.
        await UntilAsync(async () => (await AskAsync("SELECT count(DISTINCT process_id) FROM runs WHERE outcome = 'Running'"))[0] is 2L, first, second);
        _folder.Write("gate.go", "");
        await UntilAsync(async () => (await AskAsync("SELECT count(*) FROM runs WHERE outcome = 'Succeeded'"))[0] is 50L, first, second);

        (await AskAsync("SELECT count(*) FROM runs"))[0].Should().Be((long)Pipelines);
        (await AskAsync("SELECT DISTINCT pipeline FROM runs ORDER BY pipeline")).Should().Equal(names);
        (await AskAsync("SELECT DISTINCT outcome FROM stages")).Should().Equal("Succeeded"); // none found its work done already
        var shares = await AskAsync("SELECT count(*) FROM runs GROUP BY process_id");
        _output.WriteLine($"the workers ran {string.Join(" and ", shares)}");
        shares.Should().HaveCount(2, "both took part");
        await UntilAsync(async () => (await AskAsync("SELECT count(*) FROM qrtz_triggers"))[0] is 0L, first, second); // a run's record ends a moment before its job does
        Directory.GetDirectories(_folder.Combine("workspace", "artifacts", "note")).Should().HaveCount(Pipelines);
    }

    [PostgresFact]
    public async Task Serve_WorkerIsKilledWhileItTrains_TheOtherGoesOnFromTheCheckpointAndEndsTheRun()
    {
        const int Steps = 600;
        var pipelines = JsonNode.Parse($$"""
            { "small": { "Stages": {
                "download": { "Source": "{{Sample.Weights}}", "ModelSize": "tiny" }, "convert": {},
                "train": { "DatasetDir": "{{Sample.Validation}}", "LoraRank": 2, "TrainingSteps": {{Steps}}, "SaveSteps": 20, "MaxSeqLength": 64, "BatchSize": 4, "Seed": 1 } } } }
            """)!;
        using var first = Start("first", pipelines);
        using var second = Start("second", pipelines);
        var workers = new[] { first, second };
        foreach (var worker in workers) await worker.AddressAsync();
        (await TriggerAsync(new Uri(await first.AddressAsync()), "small")).Should().BeTrue();
        await UntilAsync(() => Task.FromResult(Checkpoints().Length > 0), first, second);

        var owner = (int)(await AskAsync("SELECT process_id FROM runs WHERE outcome = 'Running'")).Single();
        var killed = workers.Single(worker => worker.Process.Id == owner);
        var other = workers.Single(worker => worker.Process.Id != owner);
        killed.SignalGroup(ServedProcess.SigKill);
        await killed.ExitAsync();
        var last = Checkpoints()[^1];
        await UntilAsync(async () => (await AskAsync("SELECT outcome FROM runs ORDER BY id DESC LIMIT 1")).Single() is "Succeeded", other);

        (await AskAsync("SELECT outcome FROM runs ORDER BY id")).Should().Equal("Interrupted", "Succeeded");
        other.Log.Should().Contain($"Going on from {last}");
        var adapter = (string)(await AskAsync("SELECT artifact_folder FROM stages WHERE name = 'train' AND outcome = 'Succeeded'")).Single();
        var steps = (await File.ReadAllLinesAsync(Path.Combine(adapter, "train_log.jsonl"))).Select(line => JsonDocument.Parse(line).RootElement).Where(line => line.TryGetProperty("loss", out _))
            .Select(line => line.GetProperty("step").GetInt32()).ToList();
        steps.Should().BeInAscendingOrder().And.OnlyHaveUniqueItems().And.EndWith(Steps);
    }

    [PostgresFact]
    public async Task Serve_PipelineNeedsAGpu_RunsWhereThereIsOne()
    {
        var pipelines = JsonNode.Parse("""{ "notes": { "ExecutionGroup": "gpu", "Stages": { "acme-note": { "Text": "a" } } } }""")!;
        using var without = Start("without", pipelines, runsGpu: false);
        using var with = Start("with", pipelines);
        await with.AddressAsync();
        (await TriggerAsync(new Uri(await without.AddressAsync()), "notes")).Should().BeTrue();

        await UntilAsync(async () => await AskAsync("SELECT process_id FROM runs WHERE outcome = 'Succeeded'") is [int owner] && owner == with.Process.Id, with, without);
    }

    private string[] Checkpoints()
        => Directory.Exists(_folder.Combine("workspace", "resume")) ? [.. Directory.GetDirectories(_folder.Combine("workspace", "resume"), "checkpoint-*", SearchOption.AllDirectories).Where(c => !c.EndsWith(".tmp", StringComparison.Ordinal)).OrderBy(c => c.Length).ThenBy(c => c)] : [];

    private ServedProcess Start(string name, JsonNode pipelines, bool runsGpu = true) => new(
        _folder.Write($"{name}.json", new JsonObject
        {
            ["Workspace"] = "workspace",
            ["Plugins"] = new JsonObject { ["Folder"] = Path.Combine(AppContext.BaseDirectory, "TestPlugins"), ["Disabled"] = new JsonArray("Acme.WrongContract", "Acme.ThrowsAtLoad") },
            ["Scheduler"] = new JsonObject { ["Store"] = "Postgres", ["RunsGpu"] = runsGpu },
            ["Pipelines"] = pipelines.DeepClone(),
        }.ToJsonString()),
        new Dictionary<string, string?> { ["ALPACA_Scheduler__ConnectionString"] = _database.ConnectionString },
        "setsid");

    private async Task<bool> TriggerAsync(Uri worker, string pipeline)
    {
        using var response = await _client.PostAsync(new Uri(worker, $"api/pipelines/{pipeline}/runs"), null);
        var body = await response.Content.ReadAsStringAsync();
        response.IsSuccessStatusCode.Should().BeTrue(body);
        return JsonDocument.Parse(body).RootElement.GetProperty("queued").GetBoolean();
    }

    private static async Task UntilAsync(Func<Task<bool>> condition, params ServedProcess[] alive)
    {
        using var limit = new CancellationTokenSource(TimeSpan.FromMinutes(8));
        try
        {
            while (!await condition())
            {
                foreach (var worker in alive) worker.Process.HasExited.Should().BeFalse("its log was: {0}", worker.Log);
                await Task.Delay(200, limit.Token);
            }
        }
        catch (OperationCanceledException)
        {
            throw new TimeoutException(string.Join("\n\n", alive.Select(worker => worker.Log)));
        }
    }

    private async Task<List<object>> AskAsync(string query)
    {
        await using var connection = new NpgsqlConnection(_database.ConnectionString);
        await connection.OpenAsync();
        await using var command = new NpgsqlCommand(query, connection);
        await using var reader = await command.ExecuteReaderAsync();
        var found = new List<object>();
        while (await reader.ReadAsync()) found.Add(reader.GetValue(0));
        return found;
    }

    private static async Task OrderAsync(string server, string order)
    {
        await using var connection = new NpgsqlConnection(server);
        await connection.OpenAsync();
        await using var command = new NpgsqlCommand(order, connection);
        await command.ExecuteNonQueryAsync();
    }
}
