using System.Text.Json;

namespace Alpaca.Host.Tests;

/// <summary>run, plan, runs and plugins over a small pipeline.</summary>
public sealed class PipelineVerbTests : IDisposable
{
    private readonly CommandBench _bench = new();

    public void Dispose() => _bench.Dispose();

    [Fact]
    public async Task Run_Twice_SkipsTheSecondTimeAndWritesOneLineForEachStage()
    {
        var first = (await _bench.InvokeAsync("run")).ShouldSucceed();
        var second = (await _bench.InvokeAsync("run")).ShouldSucceed();

        first.Error.Should().MatchRegex(@"acme-note: done in \d.*\(copies 1\)").And.MatchRegex("acme-binder: done in");
        second.Error.Should().Contain("acme-note: skipped, up to date").And.Contain("acme-binder: skipped, up to date").And.NotContain("runs (");
        first.Output.Should().BeEmpty();
    }

    [Fact]
    public async Task Run_Json_IsTheRecord()
    {
        var run = (await _bench.InvokeAsync("run", "notes", "--json", "--set", "Stages:acme-note:Copies=3")).ShouldSucceed().Json.GetProperty("run");

        run.GetProperty("outcome").GetString().Should().Be("Succeeded");
        run.GetProperty("stages")[0].GetProperty("metrics").GetProperty("copies").GetDouble().Should().Be(3);
    }

    [Fact]
    public async Task Run_StageFails_SaysWhichAndExitsWithFailure()
        => (await _bench.InvokeAsync("run", "--set", "Stages:acme-note:Mishap=error")).ShouldFail(ExitCodes.Failure, "acme-note: failed after", "alpaca: Stage acme-note failed: The pen ran dry; refill it.");

    [Fact]
    public async Task Run_Until_EndsThere()
    {
        (await _bench.InvokeAsync("run", "--until", "acme-note")).ShouldSucceed();

        (await _bench.InvokeAsync("plan", "--json")).ShouldSucceed().Json.EnumerateArray().Select(s => s.GetProperty("upToDate").GetBoolean()).Should().Equal(true, false);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(3, "--until", "acme-note")]
    [InlineData(3, "--set", "Stages:acme-note:Text=Bye")]
    [InlineData(3, "--set", "Stages:acme-note:Mishap=error")]
    public async Task Run_NewSamples_AreSeenOnlyByAWholeRunThatSucceedsAsConfigured(int left, params string[] options)
    {
        using var bench = new CommandBench(""", "Drops": { "Folder": "drops" }""");
        var drops = new DropFolder(bench.Folder.Combine("drops"), TimeSpan.FromSeconds(5));
        drops.Create();
        NewSamples.Add(drops, 3);

        await bench.InvokeAsync(["run", .. options]);

        NewSamples.Read(drops).Count.Should().Be(left);
    }

    [Fact]
    public async Task Runs_DamagedDatabase_IsKeptAndBegunAnewOnlyWhenTold()
    {
        (await _bench.InvokeAsync("run")).ShouldSucceed();
        var database = _bench.Folder.Combine("workspace", "runs.db");
        foreach (var companion in Directory.GetFiles(_bench.Folder.Combine("workspace"), "runs.db-*")) File.Delete(companion);
        File.WriteAllText(database, string.Concat(Enumerable.Repeat("This was a database. ", 100)));

        foreach (var command in (string[])["run", "runs"])
            (await _bench.InvokeAsync(command)).ShouldFail(ExitCodes.Failure, $"alpaca: The database {database} is damaged (", "`alpaca runs --start-fresh`");
        File.ReadAllText(database).Should().StartWith("This was a database.");
        var setAside = (await _bench.InvokeAsync("runs", "--start-fresh", "--json")).ShouldSucceed().Json[0].GetProperty("setAside").GetString()!;

        File.ReadAllText(setAside).Should().StartWith("This was a database.");
        (await _bench.InvokeAsync("run")).ShouldSucceed().Error.Should().Contain("skipped, up to date", "artifacts are not in it");
        (await _bench.InvokeAsync("runs", "--start-fresh")).ShouldSucceed().Output.Should().StartWith("No database of the workspace is damaged; nothing was done.");
        (await _bench.InvokeAsync("runs", "--json")).ShouldSucceed().Json.GetArrayLength().Should().Be(1);
    }

    [Theory]
    [InlineData("--force", "acme-note", "forced")]
    [InlineData("--force", "all", "forced")]
    [InlineData("--set", "Stages:acme-note:Text=Bye", "option Text changed*")]
    public async Task Plan_AfterARun_SaysWhatWouldRunAndWhy(string option, string value, string reason)
    {
        (await _bench.InvokeAsync("run")).ShouldSucceed();

        var plan = (await _bench.InvokeAsync("plan", option, value, "--json")).ShouldSucceed().Json;

        plan[0].GetProperty("stage").GetString().Should().Be("acme-note");
        plan[0].GetProperty("upToDate").GetBoolean().Should().BeFalse();
        plan[0].GetProperty("reason").GetString().Should().Match(reason);
        (await _bench.InvokeAsync("plan", option, value)).ShouldSucceed().Output.Should().Contain("acme-binder");
    }

    [Theory]
    [InlineData("run", "notse", "notse")]
    [InlineData("run", "--until", "acme-bidner", "did you mean acme-binder?")]
    [InlineData("plan", "--force", "acme-bidner", "did you mean acme-binder?")]
    [InlineData("run", "--set", "Stages:acme-note:Cpoies=3", "Cpoies")]
    [InlineData("run", "--set", "Stages:acme-note:Copies", "key=value")]
    public async Task Run_SomethingMisspelt_IsAUsageErrorAndRecordsNothing(params string[] argumentsAndMessage)
    {
        (await _bench.InvokeAsync(argumentsAndMessage[..^1])).ShouldFail(ExitCodes.Usage, argumentsAndMessage[^1]);
        (await _bench.InvokeAsync("runs", "--json")).ShouldSucceed().Json.GetArrayLength().Should().Be(0);
    }

    [Fact]
    public async Task Runs_AfterRuns_ListsThemAndShowsOne()
    {
        await _bench.InvokeAsync("run");
        await _bench.InvokeAsync("run", "--set", "Stages:acme-note:Mishap=error");

        var runs = (await _bench.InvokeAsync("runs", "--json")).ShouldSucceed().Json;
        runs.EnumerateArray().Select(r => r.GetProperty("outcome").GetString()).Should().Equal("Failed", "Succeeded");
        (await _bench.InvokeAsync("runs", "1", "--json")).ShouldSucceed().Json.ValueKind.Should().Be(JsonValueKind.Array);
        (await _bench.InvokeAsync("runs")).ShouldSucceed().Output.Should().Contain("The pen ran dry");
        (await _bench.InvokeAsync("runs", "1")).ShouldSucceed().Output.Should().Contain("acme-binder").And.Contain("copies 1");
        (await _bench.InvokeAsync("runs", "99")).ShouldFail(ExitCodes.Failure, "99");
    }

    [Fact]
    public async Task Plugins_OneActive_ListsItWithStagesAndBackends()
    {
        var plugin = (await _bench.InvokeAsync("plugins", "--json")).ShouldSucceed().Json.EnumerateArray().Single(p => p.GetProperty("name").GetString() == "Acme.Notes");

        plugin.GetProperty("state").GetString().Should().Be("Active");
        plugin.GetProperty("stages").EnumerateArray().Select(s => s.GetString()).Should().Equal("acme-note", "acme-binder");
        plugin.GetProperty("backends")[0].GetString().Should().Be("Notes");
        (await _bench.InvokeAsync("plugins")).ShouldSucceed().Output.Should().Contain("Acme.Notes");
    }

    [Fact]
    public async Task Run_AsksABackendThatIsNotThere_IsAUsageErrorBeforeAnythingRuns()
    {
        using var bench = new CommandBench(""", "Ask": { "Prompt": "你好", "Backends": [ "Ntoes" ] }""");

        (await bench.InvokeAsync("run")).ShouldFail(ExitCodes.Usage, "Pipelines:notes:Ask:Backends names 'Ntoes'");
        Directory.Exists(bench.Folder.Combine("workspace", "artifacts")).Should().BeFalse();
    }

    [Fact]
    public async Task Generate_NoModelMadeYet_SaysSo()
        => (await _bench.InvokeAsync("generate", "--backend", "Notes", "--prompt", "x")).ShouldFail(ExitCodes.Usage, "has made no model for Notes yet");
}
