using System.Globalization;

namespace Alpaca.IntegrationTests;

/// <summary>The service under systemd, whose part these tests play: what it tells, and how it stops.</summary>
[Trait("Category", "Slow")]
public sealed class SystemdTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly NotifySocket _systemd;

    public SystemdTests() => _systemd = new NotifySocket(_folder.Combine("notify"));

    public void Dispose()
    {
        _systemd.Dispose();
        _folder.Dispose();
    }

    [LinuxFact]
    public async Task Serve_WatchedBySystemd_IsReadySendsSignsOfLifeAndStopsInOrder()
    {
        using var serve = Serve("""
            "tokenizer": {
              "Stages": { "download": { "Source": "{weights}", "ModelSize": "tiny" }, "merge-tokenizers": { "ChineseSpModelFile": "{chinese}" } },
              "Schedule": { "RunAtStartup": true }
            }
            """);

        // It is ready and shows the first sign of life at the same time, in whichever order.
        await _systemd.UntilAsync(messages => messages.SkipWhile(m => m != "READY=1").Count(m => m == "WATCHDOG=1") >= 2 && messages.Any(m => m.StartsWith("STATUS=Waiting", StringComparison.Ordinal)));
        serve.Signal(ServedProcess.SigTerm);
        await _systemd.UntilAsync(messages => messages.Contains("STOPPING=1"));
        await serve.ExitAsync();

        serve.Process.ExitCode.Should().Be(0, "its log was: {0}", serve.Log);
        var messages = _systemd.Messages;
        messages.Should().ContainInOrder("READY=1", "WATCHDOG=1", "WATCHDOG=1", "STOPPING=1");
        messages.Should().ContainInOrder("STATUS=Running tokenizer (run 1): download", "STATUS=Running tokenizer (run 1): merge-tokenizers", "STATUS=Waiting; run 1 of tokenizer ended: succeeded");
        messages.Should().OnlyContain(m => m == "READY=1" || m == "WATCHDOG=1" || m == "STOPPING=1" || m.StartsWith("STATUS=", StringComparison.Ordinal), "its stages do not speak for it");
        serve.Log.Should().MatchRegex(@"(?m)^<6>Microsoft\.Hosting\.Lifetime", "the journal takes its levels from the lines");
        string.Concat(Files("alpaca*.log").Order().Select(File.ReadAllText)).Should().MatchRegex(@"\[INF\] Microsoft\.Hosting\.Lifetime: Application started")
            .And.Contain("Alpaca.Stage.merge-tokenizers: ", "what stages log is there too").And.Contain("Application is shutting down");
    }

    [LinuxFact]
    public async Task Serve_NotWatched_SendsNoSignsOfLife()
    {
        using var serve = Serve("", watchdogProcess: Environment.ProcessId);
        await _systemd.UntilAsync(messages => messages.Contains("READY=1"));
        serve.Signal(ServedProcess.SigTerm);
        await _systemd.UntilAsync(messages => messages.Contains("STOPPING=1"));
        await serve.ExitAsync();

        serve.Process.ExitCode.Should().Be(0, "its log was: {0}", serve.Log);
        _systemd.Messages.Should().Equal("READY=1", "STOPPING=1");
    }

    [LinuxFact]
    public async Task Serve_StoppedWhileItTrains_LeavesACheckpointAndEnds()
    {
        // Only the stop writes a checkpoint, and only the stop ends the training.
        using var serve = Serve("""
            "endless": {
              "Stages": {
                "download": { "Source": "{weights}", "ModelSize": "tiny" }, "convert": {},
                "train": { "DatasetDir": "{validation}", "TrainingSteps": 1000000, "SaveSteps": 1000000, "EvalSteps": 1000000, "LoggingSteps": 1, "MaxSeqLength": 64 }
              },
              "Schedule": { "RunAtStartup": true }
            }
            """);
        await _systemd.UntilAsync(messages => messages.Contains("STATUS=Running endless (run 1): train"));
        await serve.UntilAsync(() => Files("train_log.jsonl").Any(file => new FileInfo(file).Length > 0));
        Checkpoints().Should().BeEmpty();

        serve.Signal(ServedProcess.SigTerm);
        await _systemd.UntilAsync(messages => messages.Contains("STOPPING=1"));
        await serve.ExitAsync();

        serve.Process.ExitCode.Should().Be(0, "its log was: {0}", serve.Log);
        Checkpoints().Should().HaveCount(1, "its log was: {0}", serve.Log);
        var runs = (await AlpacaProcess.RunAsync("runs", "--config", _folder.Combine("appsettings.json"), "--json")).ShouldSucceed().Json;
        runs.EnumerateArray().Single().GetProperty("outcome").GetString().Should().BeEquivalentTo("cancelled");
    }

    private string[] Files(string name) => Directory.GetFiles(_folder.Path, name, SearchOption.AllDirectories);

    private string[] Checkpoints() => Directory.GetDirectories(_folder.Combine("workspace", "resume"), "checkpoint-*", SearchOption.AllDirectories);

    private ServedProcess Serve(string pipeline, int? watchdogProcess = null)
    {
        var pipelines = pipeline.Replace("{weights}", Sample.Weights, StringComparison.Ordinal)
            .Replace("{chinese}", Sample.ChineseModel, StringComparison.Ordinal).Replace("{validation}", Sample.Validation, StringComparison.Ordinal);
        var config = _folder.Write("appsettings.json", $$"""{ "Pipelines": { {{pipelines}} }, "Logging": { "File": { "Path": "logs/alpaca.log" } } }""");
        return new ServedProcess(config, new Dictionary<string, string?>
        {
            ["NOTIFY_SOCKET"] = _systemd.Path,
            ["WATCHDOG_USEC"] = "2000000",
            ["JOURNAL_STREAM"] = "8:4711",
            ["WATCHDOG_PID"] = watchdogProcess?.ToString(CultureInfo.InvariantCulture),
        });
    }
}

/// <summary>A fact about Linux's own ways.</summary>
[AttributeUsage(AttributeTargets.Method)]
internal sealed class LinuxFactAttribute : FactAttribute
{
    public LinuxFactAttribute()
    {
        if (!OperatingSystem.IsLinux()) Skip = "It is about Linux.";
    }
}
