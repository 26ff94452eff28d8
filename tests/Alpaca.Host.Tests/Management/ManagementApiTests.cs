using System.Net;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text.Json;

namespace Alpaca.Host.Tests;

/// <summary>The management API and the monitoring, over HTTP, of the whole service.</summary>
public sealed class ManagementApiTests
{
    private const string Dropping = """, "Drops": { "Folder": "drops", "QuietSeconds": 0.2 }""";
    private const string Hanging = """ "acme-note": { "Text": "Hello", "Mishap": "hang" } """;

    [Fact]
    public async Task Runs_AskedForOverHttp_AreQueuedRunAndListed()
    {
        await using var bench = new ServiceBench("");
        using var client = await bench.ServeAsync();

        using var answer = await client.PostAsync("/api/pipelines/notes/runs", null);
        answer.StatusCode.Should().Be(HttpStatusCode.Accepted);
        (await answer.Content.ReadFromJsonAsync<JsonElement>()).GetProperty("queued").GetBoolean().Should().BeTrue();
        await bench.UntilRunAsync(run => run.Outcome == RunOutcome.Succeeded);

        var runs = await client.GetFromJsonAsync<JsonElement>("/api/runs?pipeline=notes&limit=5");
        runs.EnumerateArray().Should().ContainSingle().Which.GetProperty("trigger").GetString().Should().Be("manual");
        var run = await client.GetFromJsonAsync<JsonElement>($"/api/runs/{runs[0].GetProperty("id").GetInt64()}");
        run.GetProperty("stages")[0].GetProperty("metrics").GetProperty("copies").GetDouble().Should().Be(1);
        var pipeline = (await client.GetFromJsonAsync<JsonElement>("/api/pipelines"))[0];
        pipeline.GetProperty("name").GetString().Should().Be("notes");
        pipeline.GetProperty("lastRun").GetProperty("outcome").GetString().Should().Be("Succeeded");
    }

    [Fact]
    public async Task Runs_AskedForTwiceWhileOneGoesOn_QueueOne()
    {
        await using var bench = new ServiceBench("", Hanging);
        using var client = await bench.ServeAsync();
        using (await client.PostAsync("/api/pipelines/notes/runs", null)) { }
        await bench.UntilRunAsync(run => run.Outcome == RunOutcome.Running);

        var queued = new List<bool>();
        for (var i = 0; i < 3; i++)
        {
            using var answer = await client.PostAsync("/api/pipelines/notes/runs", null);
            queued.Add((await answer.Content.ReadFromJsonAsync<JsonElement>()).GetProperty("queued").GetBoolean());
        }

        queued.Should().Equal(true, false, false);
        (await client.GetFromJsonAsync<JsonElement>("/api/pipelines"))[0].GetProperty("isBusy").GetBoolean().Should().BeTrue();
    }

    [Fact]
    public async Task Cancel_RunUnderWay_IsCancelled()
    {
        await using var bench = new ServiceBench("", Hanging);
        using var client = await bench.ServeAsync();
        using (await client.PostAsync("/api/pipelines/notes/runs", null)) { }
        await bench.UntilRunAsync(run => run.Outcome == RunOutcome.Running);

        using var answer = await client.PostAsync("/api/pipelines/notes/cancel", null);

        answer.StatusCode.Should().Be(HttpStatusCode.Accepted);
        await bench.UntilRunAsync(run => run.Outcome == RunOutcome.Cancelled);
    }

    [Fact]
    public async Task Drops_GoodAndBad_AreListedWithReasons()
    {
        await using var bench = new ServiceBench(Dropping);
        using var client = await bench.ServeAsync();
        bench.Drop(1);
        File.WriteAllText(Path.Combine(bench.Drops.Path, "bad.json"), "no JSON");
        await bench.UntilAsync(() => Directory.GetFiles(bench.Drops.Rejected).Length == 2 && Directory.GetFiles(bench.Drops.Accepted).Length == 1);

        var drops = await client.GetFromJsonAsync<JsonElement>("/api/pipelines/notes/drops");

        drops.GetProperty("accepted")[0].GetProperty("name").GetString().Should().EndWith("-1.json");
        drops.GetProperty("rejected")[0].GetProperty("name").GetString().Should().Be("bad.json");
        drops.GetProperty("rejected")[0].GetProperty("reason").GetString().Should().Contain("bad.json");
    }

    [Theory]
    [InlineData("GET", "/api/runs/4711", HttpStatusCode.NotFound)]
    [InlineData("GET", "/api/runs/..%2F..%2Fetc", HttpStatusCode.NotFound)]
    [InlineData("GET", "/api/runs?limit=many", HttpStatusCode.BadRequest)]
    [InlineData("GET", "/api/runs?pipeline=nets", HttpStatusCode.NotFound)]
    [InlineData("POST", "/api/pipelines/nets/runs", HttpStatusCode.NotFound)]
    [InlineData("GET", "/api/pipelines/notes/drops", HttpStatusCode.NotFound)]
    [InlineData("DELETE", "/api/runs", HttpStatusCode.MethodNotAllowed)]
    public async Task Request_ThatMakesNoSense_IsAnErrorInJson(string method, string path, HttpStatusCode status)
    {
        await using var bench = new ServiceBench("");
        using var client = await bench.ServeAsync();
        using var request = new HttpRequestMessage(new HttpMethod(method), path);

        using var answer = await client.SendAsync(request);

        answer.StatusCode.Should().Be(status);
        (await answer.Content.ReadFromJsonAsync<JsonElement>()).GetProperty("error").GetProperty("message").GetString().Should().NotBeEmpty();
    }

    [Fact]
    public async Task Models_PromotedAndRolledBackOverHttp_AreListedSo()
    {
        await using var bench = new ServiceBench(""", "Promotion": { "Rules": [ "copies < 1000" ], "Automatic": false }""");
        using (var first = await bench.ServeAsync()) await RunAsync(first, 1);
        await bench.StopAsync();
        using var client = await bench.ServeAsync("Pipelines:notes:Stages:acme-note:Copies=2");
        await RunAsync(client, 2);

        (await AliasesAsync()).Should().Equal("candidate", "");
        (await PostAsync("promote", new { version = 1 })).Should().Be("""{"pipeline":"notes","champion":1}""");
        (await PostAsync("promote", new { version = "candidate" })).Should().Be("""{"pipeline":"notes","champion":2}""");
        (await AliasesAsync()).Should().Equal("champion,candidate", "previous");
        (await PostAsync("rollback", new { })).Should().Be("""{"pipeline":"notes","champion":1}""");

        (await PostAsync("promote", new { version = 7 }, HttpStatusCode.Conflict)).Should().Contain("There is no version 7 of pipeline notes");
        (await PostAsync("promote", new { version = "newest" }, HttpStatusCode.BadRequest)).Should().Contain("version must be the number of a version");
        (await PostAsync("promote", new { version = 1, force = "yes" }, HttpStatusCode.BadRequest)).Should().Contain("force must be true or false");
        (await client.GetAsync("/api/pipelines/..%2f..%2fetc/models")).StatusCode.Should().Be(HttpStatusCode.NotFound);

        async Task RunAsync(HttpClient client, int number)
        {
            await client.PostAsync("/api/pipelines/notes/runs", null);
            await bench.UntilAsync(() => bench.History.Count(run => run.Outcome == RunOutcome.Succeeded) == number);
        }

        async Task<IEnumerable<string>> AliasesAsync() => (await client.GetFromJsonAsync<JsonElement>("/api/pipelines/notes/models")).EnumerateArray()
            .Select(model => string.Join(',', model.GetProperty("aliases").EnumerateArray().Select(alias => alias.GetString()))).ToList();

        async Task<string> PostAsync(string order, object body, HttpStatusCode status = HttpStatusCode.OK)
        {
            using var answer = await client.PostAsJsonAsync($"/api/pipelines/notes/{order}", body);
            var text = await answer.Content.ReadAsStringAsync();
            answer.StatusCode.Should().Be(status, text);
            return status == HttpStatusCode.OK ? JsonSerializer.Serialize(JsonSerializer.Deserialize<JsonElement>(text)) : text;
        }
    }

    [Fact]
    public async Task Everything_WithAnApiKey_WantsIt()
    {
        await using var bench = new ServiceBench("");
        using var client = await bench.ServeAsync("Serving:ApiKey=secret-key");
        foreach (var path in (string[])["/api/pipelines", "/api/runs", "/api/plugins", "/metrics"])
        {
            using var refused = await client.GetAsync(path);
            refused.StatusCode.Should().Be(HttpStatusCode.Unauthorized, path);
        }

        client.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", "secret-key");
        (await client.GetStringAsync("/api/plugins")).Should().Contain("Acme.Notes");
        (await client.GetStringAsync("/metrics")).Should().Contain("# TYPE");
    }

    [Theory]
    [InlineData("Host", "rebound.example", HttpStatusCode.Forbidden)]
    [InlineData("Host", "localhost", HttpStatusCode.Accepted)]
    [InlineData("Origin", "https://evil.example", HttpStatusCode.Forbidden)]
    [InlineData("Origin", "https://friend.example", HttpStatusCode.Accepted)]
    public async Task Request_FromAPageOfAnotherSite_IsRefusedWithoutAKey(string header, string value, HttpStatusCode status)
    {
        await using var bench = new ServiceBench("", Hanging);
        using var client = await bench.ServeAsync("Serving:AllowedOrigins=https://friend.example");
        using var request = new HttpRequestMessage(HttpMethod.Post, "/api/pipelines/notes/runs");
        request.Headers.TryAddWithoutValidation(header, value);

        using var answer = await client.SendAsync(request);

        answer.StatusCode.Should().Be(status);
    }

    [Fact]
    public async Task Metrics_AfterARunAndDrops_CountThem()
    {
        await using var bench = new ServiceBench(Dropping);
        using var client = await bench.ServeAsync();
        bench.Drop(1);
        File.WriteAllText(Path.Combine(bench.Drops.Path, "bad.json"), "no JSON");
        await bench.UntilRunAsync(run => run.Outcome == RunOutcome.Succeeded);
        await bench.UntilAsync(() => Directory.GetFiles(bench.Drops.Rejected).Length == 2);

        var lines = (await client.GetStringAsync("/metrics")).Split('\n');

        lines.Should().ContainSingle(line => line.StartsWith("alpaca_runs", StringComparison.Ordinal) && line.Contains("outcome=\"Succeeded\"") && line.Contains("trigger=\"drop\""))
            .Which.Should().MatchRegex(@" 1( \d+)?$");
        lines.Should().Contain(line => line.StartsWith("alpaca_drops", StringComparison.Ordinal) && line.Contains("result=\"accepted\""));
        lines.Should().Contain(line => line.StartsWith("alpaca_drops", StringComparison.Ordinal) && line.Contains("result=\"rejected\""));
        lines.Should().Contain(line => line.StartsWith("alpaca_stage_duration_seconds_count", StringComparison.Ordinal) && line.Contains("stage=\"acme-note\""));
        lines.Should().Contain(line => line.StartsWith("alpaca_stage_metric", StringComparison.Ordinal) && line.Contains("metric=\"copies\""));
    }

    [Fact]
    public async Task Ready_NoModelYet_IsDegradedWithEveryCheckNamed()
    {
        await using var bench = new ServiceBench(""", "Schedule": { "Cron": "0 0 3 * * ?" }""");
        using var client = await bench.ServeAsync();

        await bench.UntilAsync(() => !client.GetStringAsync("/health/ready").ContinueWith(answer => answer.IsFaulted).Result);
        using var answer = await client.GetAsync("/health/ready");

        var text = await answer.Content.ReadAsStringAsync();
        answer.StatusCode.Should().Be(HttpStatusCode.OK, text);
        var checks = (await answer.Content.ReadFromJsonAsync<JsonElement>()).GetProperty("checks");
        checks.GetProperty("model").GetProperty("status").GetString().Should().Be("Degraded");
        checks.GetProperty("workspace").GetProperty("status").GetString().Should().Be("Healthy");
        checks.GetProperty("schedules").GetProperty("status").GetString().Should().Be("Healthy");
    }

    [Fact]
    public async Task Ready_ScheduledPipelineHasNotSucceededForTooLong_IsUnhealthy()
    {
        await using var bench = new ServiceBench(""", "Schedule": { "Cron": "0/1 * * * * ?", "FreshWithinHours": 0.0005 }, "Retry": { "MaxRetries": 0 }""", """ "acme-note": { "Text": "Hello", "Mishap": "error" } """);
        using var client = await bench.ServeAsync();
        await bench.UntilRunAsync(run => run.Outcome == RunOutcome.Failed);
        using (await client.GetAsync("/health/ready")) { } // Counts from when it was first asked.
        await Task.Delay(2500);

        using var answer = await client.GetAsync("/health/ready");

        answer.StatusCode.Should().Be(HttpStatusCode.ServiceUnavailable, await answer.Content.ReadAsStringAsync());
        (await answer.Content.ReadFromJsonAsync<JsonElement>()).GetProperty("checks").GetProperty("schedules").GetProperty("status").GetString().Should().Be("Unhealthy");
    }
}
