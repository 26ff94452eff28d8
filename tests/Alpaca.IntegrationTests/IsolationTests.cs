using System.Globalization;
using System.Text.Json;

namespace Alpaca.IntegrationTests;

/// <summary>The service and its stages do not take each other down.</summary>
[Trait("Category", "Slow")]
public sealed class IsolationTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly SampleModels _models = new();

    public void Dispose()
    {
        _models.Dispose();
        _folder.Dispose();
    }

    [Fact]
    public async Task Serve_StageAborts_RequestsGoOnAndTheRecordSaysWhy()
    {
        var config = Configure("abort", await _models.ModelAsync());
        using var serve = new ServedProcess(config);
        using var client = await serve.ConnectAsync();
        await client.ServesAsync("tiny");
        var expected = await client.AskAsync();

        using var stop = new CancellationTokenSource();
        var asking = client.AskUntilAsync(stop.Token);
        Drop("first.json");
        JsonElement? run = null;
        await serve.UntilAsync(() => (run = FirstFailure(config)) is not null);
        await stop.CancelAsync();

        (await asking).Should().NotBeEmpty().And.OnlyContain(answer => answer == expected);
        (await client.AskAsync()).Should().Be(expected, "it goes on after the stage's death");
        run!.Value.GetProperty("error").GetString().Should().StartWith("Stage acme-mishap failed: Stage acme-mishap ended abnormally (signal 6, SIGABRT): terminate called: out of luck;");
        serve.Signal(ServedProcess.SigTerm);
        await serve.ExitAsync();
        serve.Process.ExitCode.Should().Be(0, "its log was: {0}", serve.Log);
    }

    [Theory]
    [InlineData("wait")]
    [InlineData("stubborn")]
    public async Task Serve_IsKilled_ItsStageEndsToo(string mishap)
    {
        using var serve = new ServedProcess(Configure(mishap, stopSeconds: mishap == "stubborn" ? 3 : 60));
        var stage = await StartStageAsync(serve);

        serve.Signal(ServedProcess.SigKill);
        await serve.ExitAsync();

        await EndsAsync(stage);
        if (mishap == "wait") Checkpoints().Should().HaveCount(1, "it was left the time to write one");
    }

    [Fact]
    public async Task Serve_IsTerminated_TheStageWritesACheckpointAndTheRunIsCancelled()
    {
        var config = Configure("wait");
        using var serve = new ServedProcess(config);
        var stage = await StartStageAsync(serve);

        serve.Signal(ServedProcess.SigTerm);
        await serve.ExitAsync();

        serve.Process.ExitCode.Should().Be(0, "its log was: {0}", serve.Log);
        await EndsAsync(stage);
        Checkpoints().Should().HaveCount(1);
        Runs(config).EnumerateArray().Single().GetProperty("outcome").GetString().Should().BeEquivalentTo("cancelled");
    }

    [Fact]
    public async Task Serve_HasSecrets_NeitherStagesNorRecordsNorLogsGetThem()
    {
        string[] secrets = ["hidden-api-key", "hidden-hook", "hidden-signature"];
        var config = Configure("wait");
        using var serve = new ServedProcess(config, new Dictionary<string, string?>
        {
            ["ALPACA_Serving__ApiKey"] = secrets[0],
            ["ALPACA_Notifications__Webhooks__team__Url"] = $"http://127.0.0.1:9/{secrets[1]}", // nobody listens there
            ["ALPACA_Notifications__Webhooks__team__Secret"] = secrets[2],
            ["ALPACA_Logging__LogLevel__Default"] = "Trace",
        });
        var stage = await StartStageAsync(serve);

        (await File.ReadAllTextAsync($"/proc/{stage}/environ")).Should().Contain("ALPACA_Logging__LogLevel__Default").And.NotContainAny(secrets);
        var refused = await AlpacaProcess.RunAsync("plan", "mishaps", "--config", config, "--set", $"Serving:ApiKey:x:y={secrets[0]}");
        refused.ShouldFail(2, "*Serving:ApiKey*");
        serve.Signal(ServedProcess.SigTerm);
        await serve.ExitAsync();

        foreach (var file in Directory.GetFiles(_folder.Combine("workspace"), "*", SearchOption.AllDirectories)) (await File.ReadAllTextAsync(file)).Should().NotContainAny(secrets, file);
        serve.Log.Should().NotContainAny(secrets);
        refused.Error.Should().NotContainAny(secrets);
    }

    [Fact]
    public async Task Serve_PipelineOfTheSample_RunsThroughInChildren()
    {
        var config = _folder.Write("appsettings.json", $$"""
            {
              "Pipelines": { "small": {
                "Stages": {
                  "download": { "Source": "{{Sample.Weights}}", "ModelSize": "tiny" }, "convert": {},
                  "train": { "DatasetDir": "{{Sample.Validation}}", "TrainingSteps": 2, "MaxSeqLength": 64 }, "merge": {}, "export": {}, "evaluate": { "ValidationFile": "{{Sample.Validation}}", "MaxSeqLength": 64 }
                },
                "Drops": { "Folder": "drops", "QuietSeconds": 0.5 } } },
              "Logging": { "LogLevel": { "Alpaca.Host.ChildProcessStageExecutor": "Debug" } }
            }
            """);
        using var serve = new ServedProcess(config);
        await serve.UntilAsync(() => Directory.Exists(_folder.Combine("drops", "accepted")));
        Drop("first.json");

        JsonElement? run = null;
        await serve.UntilAsync(() => (run = Runs(config).EnumerateArray().Cast<JsonElement?>().FirstOrDefault(r => Outcome(r!.Value) is not "running")) is not null);

        Outcome(run!.Value).Should().Be("succeeded", "its log was: {0}", serve.Log);
        serve.Log.Split("runs in process").Should().HaveCountGreaterThan(6, "each of the six stages had a process");
    }

    [Theory]
    [InlineData("")]
    [InlineData("train\n")]
    public async Task StageWorker_StartedByHand_SaysWhoStartsIt(string input)
        => (await AlpacaProcess.RunAsync(input, ["stage-worker"])).ShouldFail(2, "*`alpaca serve` starts stage workers by itself*");

    private async Task<int> StartStageAsync(ServedProcess serve)
    {
        await serve.UntilAsync(() => Directory.Exists(_folder.Combine("drops", "accepted")));
        Drop("first.json");
        var text = "";
        await serve.UntilAsync(() => (text = ProcessFiles().Select(File.ReadAllText).FirstOrDefault() ?? "").Length > 0);
        var id = int.Parse(text.Split(' ')[0], CultureInfo.InvariantCulture);
        id.Should().NotBe(serve.Process.Id);
        return id;

        // The one in its resume folder, which it writes last: from then on it does what it does at a stop.
        string[] ProcessFiles() => Directory.Exists(_folder.Combine("workspace", "resume")) ? Directory.GetFiles(_folder.Combine("workspace", "resume"), "process.txt", SearchOption.AllDirectories) : [];
    }

    private string[] Checkpoints() => Directory.GetFiles(_folder.Combine("workspace"), "checkpoint.txt", SearchOption.AllDirectories);

    private static async Task EndsAsync(int processId)
    {
        using var limit = new CancellationTokenSource(TimeSpan.FromMinutes(2));
        while (IsRunning()) await Task.Delay(100, limit.Token);

        bool IsRunning()
        {
            // One that has ended and that nobody has waited for is still listed.
            var status = $"/proc/{processId}/status";
            return File.Exists(status) && !File.ReadAllText(status).Contains("State:\tZ", StringComparison.Ordinal);
        }
    }

    private void Drop(string name) => _folder.WriteWhole($"drops/{name}", """[{"instruction": "a", "output": "b"}]""");

    private static JsonElement? FirstFailure(string config) => Runs(config).EnumerateArray().Cast<JsonElement?>().FirstOrDefault(r => Outcome(r!.Value) == "failed");

    private static string Outcome(JsonElement run) => run.GetProperty("outcome").GetString()!.ToLowerInvariant();

    private static JsonElement Runs(string config) => AlpacaProcess.RunAsync("runs", "--config", config, "--json").GetAwaiter().GetResult().ShouldSucceed().Json;

    private string Configure(string mishap, string? model = null, int stopSeconds = 60) => _folder.Write("appsettings.json", JsonSerializer.Serialize(new
    {
        Plugins = new { Folder = Path.Combine(AppContext.BaseDirectory, "TestPlugins"), Disabled = new[] { "Acme.WrongContract", "Acme.ThrowsAtLoad" } },
        Inference = new { Model = model, Name = "tiny", Threads = 1 },
        Isolation = new { StopSeconds = stopSeconds },
        Pipelines = new { mishaps = new { Stages = new Dictionary<string, object> { ["acme-mishap"] = new { Mishap = mishap, Seconds = 120 } }, Drops = new { Folder = "drops", QuietSeconds = 0.5 } } },
    }));
}
