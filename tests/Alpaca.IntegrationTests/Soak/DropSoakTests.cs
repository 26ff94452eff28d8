using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Security.Cryptography;
using System.Text.Json;
using Xunit.Abstractions;

namespace Alpaca.IntegrationTests;

/// <summary>The worker under a rain of drops, good and bad. <c>ALPACA_SOAK_MINUTES</c> says for how long; the default is 2.</summary>
[Trait("Category", "Slow")]
public sealed class DropSoakTests(ITestOutputHelper output) : IDisposable
{
    private const int Count = 300;
    private const int Seed = 20260102;

    // A processor with a large cache lets some hundred megabytes of garbage gather before the first collection, longer than a short soak takes: 16 MB here.
    private static readonly Dictionary<string, string?> OftenCollected = new() { ["DOTNET_GCgen0size"] = "0x1000000" };

    private readonly TemporaryFolder _folder = new();
    private readonly List<double> _megabytes = [];

    private string Drops => _folder.Combine("drops");

    private string Accepted => _folder.Combine("drops", "accepted");

    private string Rejected => _folder.Combine("drops", "rejected");

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task Serve_RainOfDrops_EachIsAccountedForOnceTrainedOnceAndMemoryStaysFlat()
    {
        if (OperatingSystem.IsWindows()) return; // It has neither pipes nor links for everybody.
        var span = TimeSpan.FromMinutes(double.Parse(Environment.GetEnvironmentVariable("ALPACA_SOAK_MINUTES") is { Length: > 0 } minutes ? minutes : "2", CultureInfo.InvariantCulture));
        var secret = _folder.Write("outside/secret.json", """[{"instruction": "a", "output": "secret"}]""");
        Directory.CreateDirectory(Accepted);
        using var serve = new ServedProcess(WriteConfiguration(), OftenCollected);
        using var client = await serve.ConnectAsync();
        var drops = SoakDrop.Choose(Count, new Random(Seed));

        await RainAsync(drops, span, serve);
        await UntilAsync(async () => Directory.GetFileSystemEntries(Drops).Order().Select(path => Path.GetFileName(path)).SequenceEqual(["accepted", "rejected"]) && await IsIdleAsync(client), serve);

        (await client.GetAsync("health/live")).StatusCode.Should().Be(HttpStatusCode.OK);
        (await client.GetAsync("health/ready")).StatusCode.Should().Be(HttpStatusCode.OK, await client.GetStringAsync("api/pipelines"));
        var accepted = CheckAccepted(drops);
        CheckRejected(drops, accepted);
        await CheckTrainedAsync(client, accepted);
        (Directory.GetFileSystemEntries(_folder.Combine("outside")).Single(), (await File.ReadAllTextAsync(secret)).Length).Should().Be((secret, 42));
        CheckMemory();

        serve.Signal(ServedProcess.SigTerm);
        await serve.ExitAsync();
        serve.Process.ExitCode.Should().Be(0, "its log was: {0}", serve.Log);
    }

    /// <summary>A user namespace has limits of its own: there is no watch to be had in it, for drops or for the configuration.</summary>
    [Fact]
    public async Task Serve_SystemIsOutOfWatches_TakesDropsAllTheSameAndSaysSoOnce()
    {
        if (!await HasNamespacesAsync()) return;
        Directory.CreateDirectory(Accepted);
        using var serve = new ServedProcess(WriteConfiguration(), null, "unshare", "-Ur", "sh", "-c", "echo 0 > /proc/sys/user/max_inotify_instances && exec \"$@\"", "sh");
        await serve.AddressAsync();

        var drops = SoakDrop.Choose(3, new Random(Seed)).Where(drop => drop.Reason is null).ToList();
        foreach (var drop in drops) await drop.PutAsync(Drops, Drops);
        await serve.UntilAsync(() => Directory.GetFiles(Accepted).Length == drops.Count);

        await serve.UntilLoggedAsync("gives no notifications");
        serve.Log.Split('\n').Where(line => line.Contains("gives no notifications", StringComparison.Ordinal)).Should().ContainSingle();
        drops.Should().NotBeEmpty();
    }

    private static async Task<bool> HasNamespacesAsync()
    {
        if (!OperatingSystem.IsLinux()) return false;
        using var process = Process.Start("unshare", ["-Ur", "sh", "-c", "echo 0 > /proc/sys/user/max_inotify_instances"]);
        await process.WaitForExitAsync();
        return process.ExitCode == 0;
    }

    private async Task RainAsync(IReadOnlyList<SoakDrop> drops, TimeSpan span, ServedProcess serve)
    {
        var watch = Stopwatch.StartNew();
        using var stop = new CancellationTokenSource();
        var sampling = SampleAsync(serve, stop.Token);
        for (var i = 0; i < drops.Count; i++)
        {
            if (span * i / drops.Count - watch.Elapsed is var wait && wait > TimeSpan.Zero) await Task.Delay(wait);
            serve.Process.HasExited.Should().BeFalse("its log was: {0}", serve.Log);
            await drops[i].PutAsync(Drops, _folder.Combine("outside"));
        }

        await stop.CancelAsync();
        await sampling;
    }

    private async Task SampleAsync(ServedProcess serve, CancellationToken cancellationToken)
    {
        while (!cancellationToken.IsCancellationRequested)
        {
            serve.Process.Refresh();
            _megabytes.Add(serve.Process.WorkingSet64 / (1024.0 * 1024));
            await Task.Delay(TimeSpan.FromSeconds(0.5), cancellationToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    /// <summary>Each good content is there once, unchanged, under one of the names it was dropped by.</summary>
    /// <returns>The digests.</returns>
    private HashSet<string> CheckAccepted(IReadOnlyList<SoakDrop> drops)
    {
        var good = drops.Where(drop => drop.Reason is null).ToDictionary(drop => drop.Sha256);
        var files = Directory.GetFiles(Accepted);
        files.Select(file => Path.GetFileName(file)).Should().OnlyHaveUniqueItems();
        foreach (var file in files)
        {
            var digest = Convert.ToHexStringLower(SHA256.HashData(File.ReadAllBytes(file)));
            Path.GetFileName(file).Should().StartWith($"{digest}-");
            drops.Where(drop => drop.Sha256 == digest).Select(drop => $"{digest}-{drop.FinalName}").Should().Contain(Path.GetFileName(file));
        }

        files.Select(file => Path.GetFileName(file)[..64]).Should().BeEquivalentTo(good.Keys);
        return [.. good.Keys];
    }

    /// <summary>Everything else is there once, beside its reason.</summary>
    private void CheckRejected(IReadOnlyList<SoakDrop> drops, HashSet<string> accepted)
    {
        var taken = Directory.GetFiles(Accepted).Select(file => Path.GetFileName(file)[65..]).ToHashSet();
        var refused = drops.Where(drop => !taken.Contains(drop.FinalName)).ToList();
        Directory.GetFileSystemEntries(Rejected).Select(path => Path.GetFileName(path)).Should().BeEquivalentTo(refused.SelectMany(drop => new[] { drop.FinalName, $"{drop.FinalName}.reason.json" }));
        foreach (var drop in refused)
        {
            using var reason = JsonDocument.Parse(File.ReadAllText(Path.Combine(Rejected, $"{drop.FinalName}.reason.json")));
            reason.RootElement.GetProperty("file").GetString().Should().Be(drop.Name);
            reason.RootElement.GetProperty("reason").GetString().Should().Contain(accepted.Contains(drop.Sha256) ? $"is a duplicate of accepted/{drop.Sha256}-" : drop.Reason);
        }

        output.WriteLine($"{drops.Count} drops: {taken.Count} accepted, {refused.Count} rejected, {refused.Count(drop => accepted.Contains(drop.Sha256))} of them duplicates");
    }

    /// <summary>No run read a content twice or one that was not accepted, and the last one read all.</summary>
    private async Task CheckTrainedAsync(HttpClient client, HashSet<string> accepted)
    {
        using var runs = JsonDocument.Parse(await client.GetStringAsync("api/runs?limit=1000"));
        runs.RootElement.EnumerateArray().Select(run => run.GetProperty("outcome").GetString()!.ToLowerInvariant()).Should().NotBeEmpty().And.OnlyContain(outcome => outcome == "succeeded");
        var read = Directory.GetFiles(_folder.Combine("workspace", "artifacts", "inventory"), "inventory.txt", SearchOption.AllDirectories).Select(File.ReadAllLines).OrderBy(lines => lines.Length).ToList();
        foreach (var lines in read) lines.Should().OnlyHaveUniqueItems().And.BeSubsetOf(accepted);
        read[^1].Should().BeEquivalentTo(accepted);
        output.WriteLine($"{runs.RootElement.GetArrayLength()} runs, {read.Count} inventories");
    }

    private void CheckMemory()
    {
        var fifth = _megabytes.Count / 5;
        var (second, last) = (Median(_megabytes[fifth..(2 * fifth)]), Median(_megabytes[^fifth..]));
        output.WriteLine($"memory of the service: {_megabytes.Count} samples, median of each fifth {string.Join(", ", Enumerable.Range(0, 5).Select(i => $"{Median(_megabytes[(i * fifth)..((i + 1) * fifth)]):F0}"))} MB, {_megabytes.Max():F0} MB at the most");
        last.Should().BeLessThanOrEqualTo(second * 1.1 + 20, "the service is to run for months");
    }

    private static double Median(IEnumerable<double> values)
    {
        var sorted = values.Order().ToList();
        return sorted[sorted.Count / 2];
    }

    /// <summary>Whether there is no run, and nothing to run for.</summary>
    private static async Task<bool> IsIdleAsync(HttpClient client)
    {
        using var pipelines = JsonDocument.Parse(await client.GetStringAsync("api/pipelines"));
        var pipeline = pipelines.RootElement.EnumerateArray().Single();
        return !pipeline.GetProperty("isBusy").GetBoolean() && pipeline.GetProperty("newSamples").GetInt32() == 0;
    }

    private static async Task UntilAsync(Func<Task<bool>> condition, ServedProcess serve)
    {
        using var limit = new CancellationTokenSource(TimeSpan.FromMinutes(5));
        while (!await condition())
        {
            serve.Process.HasExited.Should().BeFalse("its log was: {0}", serve.Log);
            await Task.Delay(200, limit.Token);
        }
    }

    private string WriteConfiguration() => _folder.Write("appsettings.json", JsonSerializer.Serialize(new
    {
        Plugins = new { Folder = Path.Combine(AppContext.BaseDirectory, "TestPlugins"), Disabled = new[] { "Acme.WrongContract", "Acme.ThrowsAtLoad", "Acme.TorchStage" } },
        Workspace = "workspace",
        DefaultPipeline = "soak",
        Pipelines = new { soak = new { Stages = new Dictionary<string, object> { ["acme-inventory"] = new { Folder = Accepted } }, Drops = new { Folder = "drops", QuietSeconds = 3 } } },
    }));
}
