using System.Diagnostics;
using System.Net.Http.Json;
using System.Text;
using System.Text.Json;
using Xunit.Abstractions;

namespace Alpaca.IntegrationTests;

/// <summary>The champion is served: it is promoted and rolled back while requests go on, one that cannot be served is taken back, and whoever is killed meanwhile leaves a registry that is whole.</summary>
[Trait("Category", "Slow")]
public sealed class RegistryTests(TwoVersions versions, ITestOutputHelper output) : IClassFixture<TwoVersions>
{
    private const int Changes = 40; // half of them promotions, half roll-backs
    private const int Clients = 32;
    private const double RequestsPerSecond = 200;

    [Fact]
    public async Task Serve_ChampionPromotedAndRolledBack20TimesWhileAsked_AnswersEveryRequestWholeAndFromOneVersion()
    {
        await versions.MakeAsync();
        await versions.ModelsAsync("promote", "1");
        using var serve = new ServedProcess(versions.Configuration);
        using var api = await serve.ConnectAsync();
        var expected = new string[3];
        await ChangesAsync(api, answer => answer is not null);
        expected[1] = (await AskAsync(api, stream: false))!;
        await versions.ModelsAsync("promote", "2");
        expected[2] = await ChangesAsync(api, answer => answer != expected[1]);

        using var stop = new CancellationTokenSource();
        var clock = Stopwatch.StartNew();
        var asking = Enumerable.Range(0, Clients).Select(client => Task.Run(() => AskUntilAsync(api, client, stop.Token))).ToList();
        for (var i = 0; i < Changes; i++)
        {
            var next = i % 2 == 0 ? 1 : 2;
            using var changed = await api.PostAsJsonAsync($"api/pipelines/tiny/{(i % 2 == 0 ? "rollback" : "promote")}", new { version = 2 });
            changed.EnsureSuccessStatusCode();
            await ChangesAsync(api, answer => answer == expected[next]);
        }

        await stop.CancelAsync();
        var answers = (await Task.WhenAll(asking)).SelectMany(all => all).ToList();
        output.WriteLine($"{answers.Count} requests in {clock.Elapsed.TotalSeconds:F0} s, {answers.Count / clock.Elapsed.TotalSeconds:F0} a second, {answers.Count(a => a == expected[1])} from version 1");

        answers.Should().HaveCountGreaterThan(Changes).And.OnlyContain(answer => answer == expected[1] || answer == expected[2]);
        answers.Should().Contain(expected[1]).And.Contain(expected[2]);
        serve.Log.Should().NotContain("fail:", "no request failed and no model was refused");
        (await versions.ModelsAsync()).EnumerateArray().Select(AliasesOf).Should().Equal("champion,candidate", "previous");
    }

    [Fact]
    public async Task Serve_ChampionThatTurnsOutToBeDamaged_IsTakenBackAndTheOldOneGoesOn()
    {
        await versions.MakeAsync();
        await versions.ModelsAsync("promote", "2", "--force");
        await versions.ModelsAsync("promote", "1");
        using var serve = new ServedProcess(versions.Configuration);
        using var api = await serve.ConnectAsync();
        var before = await ChangesAsync(api, answer => answer is not null);
        var weights = Path.Combine((await versions.ModelsAsync())[0].GetProperty("folder").GetString()!, "model.safetensors");
        var whole = await File.ReadAllBytesAsync(weights);
        try
        {
            var damaged = whole.ToArray();
            Array.Fill(damaged, (byte)0xFF, damaged.Length / 2, damaged.Length / 2); // not a number, in any precision
            await File.WriteAllBytesAsync(weights, damaged);

            await versions.ModelsAsync("promote", "2");
            await UntilAsync(async () => AliasesOf((await versions.ModelsAsync())[1]) == "champion");

            (await AskAsync(api, stream: false)).Should().Be(before);
            var models = await versions.ModelsAsync();
            models[0].GetProperty("rejection").GetProperty("reason").GetString().Should().StartWith("It could not be served:");
            await serve.UntilLoggedAsync("rolled back, version 1 is the champion again");
            var again = await AlpacaProcess.RunAsync("models", "promote", "2", "--config", versions.Configuration);
            again.ShouldFail(1, "alpaca: Version 2 of pipeline tiny was taken back: It could not be served:*");
        }
        finally
        {
            await File.WriteAllBytesAsync(weights, whole);
        }

        await versions.ModelsAsync("promote", "2", "--force");
        await ChangesAsync(api, answer => answer is not null && answer != before);
    }

    [Fact]
    public async Task Generate_NoModelNamed_TakesTheChampion()
    {
        await versions.MakeAsync();
        var folders = (await versions.ModelsAsync()).EnumerateArray().ToDictionary(model => model.GetProperty("version").GetInt32(), model => model.GetProperty("folder").GetString()!);
        var answers = new Dictionary<int, int[]>();

        foreach (var version in (int[])[1, 2])
        {
            await versions.ModelsAsync("promote", $"{version}", "--force");
            answers[version] = await GenerateAsync();
            answers[version].Should().Equal(await GenerateAsync("--model", folders[version]));
        }

        answers[1].Should().NotEqual(answers[2]);

        async Task<int[]> GenerateAsync(params string[] model)
            => (await AlpacaProcess.RunAsync(["generate", "--config", versions.Configuration, .. model, "--prompt", "中国的首都是哪里？", "--temperature", "0", "--max-new-tokens", "6", "--json"]))
                .ShouldSucceed().Json.GetProperty("ids").Deserialize<int[]>()!;
    }

    [Fact]
    public async Task Run_TrainsFromTheChampion_GoesOnFromItsAdapter()
    {
        using var workspace = new TemporaryFolder();
        string[] run = ["run", "--config", versions.Configuration, "--workspace", workspace.Path, "--set", "Stages:train:Inputs:PeftPath=@champion", "--json"];
        var first = (await AlpacaProcess.RunAsync(run)).ShouldSucceed().Json.GetProperty("run");
        var second = (await AlpacaProcess.RunAsync(run)).ShouldSucceed().Json.GetProperty("run");

        var (began, wentOn) = (Stage(first, "train"), Stage(second, "train"));
        wentOn.GetProperty("reason").GetString().Should().Be("input PeftPath changed");
        Loss(wentOn).Should().BeLessThan(Loss(began), "it has learned from the same data before");
        second.GetProperty("verdict").GetProperty("version").GetInt32().Should().Be(2);
        var manifest = JsonDocument.Parse(await File.ReadAllTextAsync(Path.Combine(wentOn.GetProperty("artifactFolder").GetString()!, "manifest.json"))).RootElement;
        manifest.GetProperty("inputs").EnumerateArray().Single(i => i.GetProperty("option").GetString() == "PeftPath").GetProperty("source").GetString().Should().Be(began.GetProperty("artifactFolder").GetString());

        static JsonElement Stage(JsonElement run, string name) => run.GetProperty("stages").EnumerateArray().Single(stage => stage.GetProperty("name").GetString() == name);

        static double Loss(JsonElement stage) => stage.GetProperty("metrics").GetProperty("trainLoss").GetDouble();
    }

    [Fact]
    public async Task Models_TwoProcessesPromoteRollBackAndAreKilled_TheRegistryStaysWhole()
    {
        await versions.MakeAsync();
        await versions.ModelsAsync("promote", "1", "--force");
        await versions.ModelsAsync("promote", "2", "--force");
        var registry = Path.Combine(Path.GetDirectoryName(versions.Configuration)!, "workspace", "registry", "tiny");
        using var stop = new CancellationTokenSource();
        var watching = Task.Run(async () =>
        {
            var seen = new HashSet<string>();
            while (!stop.IsCancellationRequested)
            {
                using var aliases = JsonDocument.Parse(await File.ReadAllTextAsync(Path.Combine(registry, "aliases.json")));
                seen.Add($"{aliases.RootElement.GetProperty("champion").GetInt32()} before {aliases.RootElement.GetProperty("previous").GetInt32()}");
                await Task.Delay(5);
            }

            return seen;
        });

        var killed = (await Task.WhenAll(Enumerable.Range(0, 2).Select(seed => Task.Run(() => ChangeAndKillAsync(new Random(seed)))))).Sum();
        await stop.CancelAsync();

        output.WriteLine($"{killed} processes were killed before their end");
        (await watching).Should().BeSubsetOf(["1 before 2", "2 before 1"], "the aliases move together");
        (await versions.ModelsAsync()).EnumerateArray().Select(model => model.GetProperty("version").GetInt32()).Should().Equal(2, 1);
        await versions.ModelsAsync("promote", "2", "--force");
        Directory.GetFiles(registry, ".*", SearchOption.AllDirectories).Should().BeEmpty("what the killed left is cleared away");
    }

    private async Task<int> ChangeAndKillAsync(Random random)
    {
        var killed = 0;
        for (var i = 0; i < 10; i++)
        {
            string[] change = random.Next(2) == 0 ? ["rollback"] : ["promote", random.Next(1, 3).ToString(System.Globalization.CultureInfo.InvariantCulture), "--force"];
            using var process = AlpacaProcess.Start(["models", .. change, "--config", versions.Configuration]);
            _ = process.StandardOutput.ReadToEndAsync();
            var error = process.StandardError.ReadToEndAsync();
            using var limit = new CancellationTokenSource(TimeSpan.FromMilliseconds(i % 2 == 0 ? 120_000 : random.Next(50, 1500)));
            await process.WaitForExitAsync(limit.Token).ContinueWith(_ => { }, TaskScheduler.Default);
            if (process.HasExited)
            {
                process.ExitCode.Should().Be(0, await error);
                continue;
            }

            process.Kill(entireProcessTree: true); // SIGKILL
            await process.WaitForExitAsync();
            killed++;
        }

        return killed;
    }

    /// <summary>Asks until told to stop, at this client's share of the rate or as fast as answers come.</summary>
    private static async Task<List<string?>> AskUntilAsync(HttpClient api, int client, CancellationToken stop)
    {
        var answers = new List<string?>();
        var interval = TimeSpan.FromSeconds(Clients / RequestsPerSecond);
        var next = Stopwatch.GetTimestamp() + (long)(client / RequestsPerSecond * Stopwatch.Frequency);
        while (true)
        {
            var wait = Stopwatch.GetElapsedTime(Stopwatch.GetTimestamp(), next);
            if (wait > TimeSpan.Zero) await Task.Delay(wait, stop).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            if (stop.IsCancellationRequested) return answers;
            answers.Add(await AskAsync(api, stream: (answers.Count + client) % 2 == 0));
            next += (long)(interval.TotalSeconds * Stopwatch.Frequency);
        }
    }

    /// <returns>The answer; <see langword="null"/> while no model is loaded yet.</returns>
    private static async Task<string?> AskAsync(HttpClient api, bool stream)
    {
        using var response = await api.PostAsJsonAsync("v1/chat/completions", new { messages = new[] { new { role = "user", content = "中国的首都是哪里？" } }, temperature = 0, max_tokens = 6, stream });
        var body = await response.Content.ReadAsStringAsync();
        if ((int)response.StatusCode == 503 && body.Contains("Loading model", StringComparison.Ordinal)) return null;
        response.IsSuccessStatusCode.Should().BeTrue("{0} {1}", (int)response.StatusCode, body);
        if (!stream) return Choice(body).GetProperty("message").GetProperty("content").GetString();

        var events = body.Split('\n', StringSplitOptions.RemoveEmptyEntries).Where(line => line.StartsWith("data: ", StringComparison.Ordinal)).Select(line => line["data: ".Length..]).ToList();
        events[^1].Should().Be("[DONE]");
        var (answer, finished) = (new StringBuilder(), false);
        foreach (var choice in events.SkipLast(1).Select(Choice))
        {
            if (choice.GetProperty("delta").TryGetProperty("content", out var text)) answer.Append(text.GetString());
            finished |= choice.TryGetProperty("finish_reason", out var reason) && reason.ValueKind == JsonValueKind.String;
        }

        finished.Should().BeTrue("an answer is whole");
        return answer.ToString();
    }

    private static JsonElement Choice(string json) => JsonDocument.Parse(json).RootElement.GetProperty("choices")[0];

    /// <summary>Waits until the served model gives an answer of a kind.</summary>
    private static async Task<string> ChangesAsync(HttpClient api, Func<string?, bool> isWanted)
    {
        string? answer = null;
        await UntilAsync(async () => isWanted(answer = await AskAsync(api, stream: false)));
        return answer!;
    }

    private static async Task UntilAsync(Func<Task<bool>> condition)
    {
        using var limit = new CancellationTokenSource(TimeSpan.FromMinutes(5));
        while (!await condition()) await Task.Delay(100, limit.Token);
    }

    private static string AliasesOf(JsonElement model) => string.Join(',', model.GetProperty("aliases").EnumerateArray().Select(alias => alias.GetString()));
}
