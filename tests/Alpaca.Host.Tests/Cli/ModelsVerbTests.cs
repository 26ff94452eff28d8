namespace Alpaca.Host.Tests;

/// <summary>models, and what run and runs say about verdicts.</summary>
public sealed class ModelsVerbTests : IDisposable
{
    private readonly CommandBench _bench = new(
        """, "Promotion": { "Rules": [ "copies <= championCopies" ] }""", """ "acme-note": { "Text": "Hello", "Copies": 5 } """);

    public void Dispose() => _bench.Dispose();

    [Fact]
    public async Task Run_BetterThenWorse_SaysHowEachWasJudged()
    {
        var first = await RunAsync(5);
        var worse = await RunAsync(9);
        var again = await RunAsync(9);

        first.Error.Should().Contain("promotion: version 1 is the champion. It passed the rule.").And.Contain("passed: copies <= championCopies, no champion yet");
        worse.Error.Should().Contain("promotion: version 2 is rejected. It failed 'copies <= championCopies' (9 against 5).").And.Contain("failed: copies <= championCopies (9 against 5), championCopies as measured");
        again.Error.Should().Contain("promotion: version 2 again. The run made the models of version 2 again, which was rejected");
        (await _bench.InvokeAsync("runs", "2")).ShouldSucceed().Output.Should().Contain("promotion: version 2 is rejected.");
        var verdict = (await _bench.InvokeAsync("runs", "2", "--json")).ShouldSucceed().Json[0].GetProperty("verdict");
        verdict.GetProperty("outcome").GetString().Should().Be("Rejected");
        verdict.GetProperty("rules")[0].GetProperty("limit").GetDouble().Should().Be(5);
    }

    [Fact]
    public async Task Models_AfterRuns_ListsTheVersionsWithTheirAliases()
    {
        (await _bench.InvokeAsync("models", "--json")).ShouldSucceed().Json.GetArrayLength().Should().Be(0);
        foreach (var copies in (int[])[5, 3, 9]) await RunAsync(copies);

        var models = (await _bench.InvokeAsync("models", "--json")).ShouldSucceed().Json;

        models.EnumerateArray().Select(m => (m.GetProperty("version").GetInt32(), string.Join(' ', m.GetProperty("aliases").EnumerateArray().Select(a => a.GetString())))).Should().Equal((3, "candidate"), (2, "champion"), (1, "previous"));
        models[1].GetProperty("metrics").GetProperty("copies").GetDouble().Should().Be(3);
        Directory.Exists(models[1].GetProperty("folder").GetString()).Should().BeTrue();
        (await _bench.InvokeAsync("models")).ShouldSucceed().Output.Should().Contain("champion").And.Contain("copies 3").And.Contain("It failed 'copies <= championCopies'");
    }

    [Fact]
    public async Task Promote_AndRollback_MoveTheAliases()
    {
        foreach (var copies in (int[])[5, 3, 9]) await RunAsync(copies);

        (await _bench.InvokeAsync("models", "promote", "candidate")).ShouldFail(ExitCodes.Failure, "Version 3 of pipeline notes did not pass: *--force.");
        (await _bench.InvokeAsync("models", "promote", "candidate", "--force")).ShouldSucceed().Output.Should().Be("Version 3 is the champion of pipeline notes.\n");
        (await AliasesAsync()).Should().Equal("champion,candidate", "previous", "");
        (await _bench.InvokeAsync("models", "rollback", "--pipeline", "notes")).ShouldSucceed();
        (await AliasesAsync()).Should().Equal("candidate,previous", "champion", "");
        (await _bench.InvokeAsync("models", "promote", "1")).ShouldSucceed();
        (await AliasesAsync()).Should().Equal("candidate", "previous", "champion");
    }

    [Theory]
    [InlineData("generate", "--prompt", "x")]
    [InlineData("chat")]
    public async Task Model_NoneNamedAndNonePromoted_SaysSo(params string[] arguments)
        => (await _bench.InvokeAsync([.. arguments, "--backend", "Notes"])).ShouldFail(ExitCodes.Usage, "Pipeline notes has promoted no version yet", "`alpaca models`");

    [Theory]
    [InlineData(ExitCodes.Failure, "has no candidate yet", "models", "promote", "candidate")]
    [InlineData(ExitCodes.Failure, "There is no version 7", "models", "promote", "7")]
    [InlineData(ExitCodes.Failure, "has no previous version", "models", "rollback")]
    [InlineData(ExitCodes.Usage, "'latest' is neither the number of a version nor candidate", "models", "promote", "latest")]
    [InlineData(ExitCodes.Usage, "did you mean notes?", "models", "rollback", "--pipeline", "note")]
    [InlineData(ExitCodes.Usage, "prmote is not a models", "models", "prmote", "1")]
    public async Task Models_CannotBeDone_SaysWhy(int exitCode, string message, params string[] arguments)
        => (await _bench.InvokeAsync(arguments)).ShouldFail(exitCode, message);

    [Fact]
    public async Task Run_RuleThatCannotBeRead_IsAUsageErrorWithItsKey()
    {
        using var bench = new CommandBench(""", "Promotion": { "Rules": [ "copies < 3", "copies =< 3" ], "Automatic": "perhaps", "Rule": "x" }""");

        (await bench.InvokeAsync("run")).ShouldFail(
            ExitCodes.Usage, "Pipelines:notes:Promotion:Rules:1 is 'copies =< 3'; a rule is metric op expression", "Pipelines:notes:Promotion:Automatic is 'perhaps'", "Pipelines:notes:Promotion:Rule is not a known key");
    }

    private async Task<CommandRun> RunAsync(int copies)
        => (await _bench.InvokeAsync("run", "--set", $"Stages:acme-note:Copies={copies.ToString(System.Globalization.CultureInfo.InvariantCulture)}")).ShouldSucceed();

    private async Task<IEnumerable<string>> AliasesAsync()
        => (await _bench.InvokeAsync("models", "--json")).ShouldSucceed().Json.EnumerateArray().Select(m => string.Join(',', m.GetProperty("aliases").EnumerateArray().Select(a => a.GetString()))).ToList();
}
