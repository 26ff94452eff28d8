using Alpaca.Abstractions;

namespace Alpaca.Host.Tests.Registry;

/// <summary>Runs of a pipeline with a section Promotion. The metric is the number of copies of a note: fewer are better.</summary>
public sealed class PromotionGateTests : IDisposable
{
    private readonly Workbench _bench = new() { Sections = Promotion() };
    private readonly RegistryEvents _events = new();

    public PromotionGateTests()
    {
        _bench.RegistryObservers.Add(_events);
        _bench.Restart();
    }

    private RegistryAliases Aliases => _bench.Registry.Aliases("notes");

    public void Dispose() => _bench.Dispose();

    [Fact]
    public async Task RunAsync_FirstRun_RegistersAndPromotes()
    {
        var run = await RunAsync(copies: 5);

        run.Verdict.Should().BeEquivalentTo(new PromotionVerdict(1, PromotionOutcome.Promoted, true, "It passed the rule.", [new("copies <= championCopies", true, 5, null, "no champion yet")]));
        Aliases.Should().Be(new RegistryAliases(1, 1, null));
        var version = _bench.Registry.Champion("notes")!;
        version.Should().Match<ModelVersion>(v => v.RunId == run.Id && v.Parent == null && v.Metrics["copies"] == 5 && v.CreatedAt == _bench.Time.GetUtcNow());
        var artifact = version.Artifacts.Should().ContainSingle().Which;
        Path.Combine(_bench.Workspace, artifact.Folder).Should().Be(run.Stages[0].ArtifactFolder);
        _bench.Registry.Find(version, artifact).Manifest.Fingerprint.Should().Be(artifact.Fingerprint);
        _bench.Runs.Get(run.Id).Verdict.Should().BeEquivalentTo(run.Verdict);
        _events.Seen.Should().Equal("notes: promoted 1: It passed the rule.");
    }

    [Fact]
    public async Task RunAsync_BetterThenWorse_PromotesTheOneAndRejectsTheOther()
    {
        await RunAsync(copies: 5);
        var better = await RunAsync(copies: 3);
        var worse = await RunAsync(copies: 4);

        better.Verdict!.Outcome.Should().Be(PromotionOutcome.Promoted);
        worse.Outcome.Should().Be(RunOutcome.Succeeded, "it did what it was asked to");
        worse.Verdict.Should().BeEquivalentTo(new PromotionVerdict(3, PromotionOutcome.Rejected, false, "It failed 'copies <= championCopies' (4 against 3).",
            [new("copies <= championCopies", false, 4, 3, "championCopies as measured when version 2 was made")]));
        Aliases.Should().Be(new RegistryAliases(2, 3, 1));
        _bench.Registry.Get("notes", 3).Parent.Should().Be(2);
        _events.Seen[^1].Should().Be("notes: rejected 3: It failed 'copies <= championCopies' (4 against 3).");
    }

    [Fact]
    public async Task RunAsync_SameModelsAgain_RegistersNothing()
    {
        await RunAsync(copies: 5);
        await RunAsync(copies: 9);

        var champion = await RunAsync(copies: 5);
        var rejected = await RunAsync(copies: 9);

        champion.Verdict.Should().Match<PromotionVerdict>(v => v.Version == 1 && v.Outcome == PromotionOutcome.Unchanged && v.Reason == "The run made the models of version 1 again, which is the champion.");
        rejected.Verdict!.Reason.Should().StartWith("The run made the models of version 2 again, which was rejected: It failed");
        _bench.Registry.List("notes").Should().HaveCount(2);
        _events.Seen.Should().HaveCount(2);
    }

    [Fact]
    public async Task RunAsync_AfterARollBack_DoesNotUndoIt()
    {
        await RunAsync(copies: 5);
        await RunAsync(copies: 3);
        _bench.Registry.RollBack("notes");

        (await RunAsync(copies: 3)).Verdict!.Reason.Should().Be("The run made the models of version 2 again, which is not the champion any more.");
        Aliases.Champion.Should().Be(1);
    }

    [Fact]
    public async Task RunAsync_VersionThatWasTakenBack_IsNotPromotedAgain()
    {
        await RunAsync(copies: 5);
        await RunAsync(copies: 3);
        _bench.Registry.TakeBack("notes", 2, "It does not load.");

        (await RunAsync(copies: 3)).Verdict!.Reason.Should().EndWith("which was taken back: It does not load.");
        Aliases.Champion.Should().Be(1);
    }

    [Fact]
    public async Task RunAsync_ProcessDiedAfterRegistering_TheNextRunPromotes()
    {
        await RunAsync(copies: 5);
        var before = Aliases;
        await RunAsync(copies: 3);
        _bench.Registry.Change("notes", edit => { edit.RollBack(_bench.Registry.Get("notes", 1), before, "as if it had died"); return true; });

        var run = await RunAsync(copies: 3);

        run.Verdict!.Outcome.Should().Be(PromotionOutcome.Promoted);
        Aliases.Should().Be(new RegistryAliases(2, 2, 1));
        _bench.Registry.List("notes").Should().HaveCount(2);
    }

    [Fact]
    public async Task RunAsync_NotAutomatic_WaitsForSomebody()
    {
        _bench.Sections = Promotion(automatic: false);

        var run = await RunAsync(copies: 5);

        run.Verdict.Should().Match<PromotionVerdict>(v => v.Outcome == PromotionOutcome.Waiting && v.Passed);
        Aliases.Should().Be(new RegistryAliases(null, 1, null));
        _bench.Registry.Promote("notes", 1).Number.Should().Be(1);
    }

    [Fact]
    public async Task RunAsync_OnlyAPartOrNoSection_RegistersNothing()
    {
        const string Two = """ "one": { "Uses": "acme-note", "Text": "1" }, "two": { "Uses": "acme-note", "Text": "2" } """;
        (await _bench.RunAsync(Two, new RunOptions { Until = "one" })).Verdict.Should().BeNull();
        _bench.Sections = "";
        (await _bench.RunAsync(Two)).Verdict.Should().BeNull();

        Directory.Exists(Path.Combine(_bench.Workspace, "registry")).Should().BeFalse();
    }

    [Fact]
    public async Task RunAsync_RegistryDamaged_FailsWithTheReasonAndKeepsTheArtifacts()
    {
        await RunAsync(copies: 5);
        File.WriteAllText(Path.Combine(_bench.Workspace, "registry", "notes", "versions", "1.json"), "{");

        await _bench.Invoking(b => RunAsync(copies: 3)).Should().ThrowAsync<AlpacaException>().WithMessage("*1.json is damaged*", "a run that cannot find its champion does not start");
        File.WriteAllText(Path.Combine(_bench.Workspace, "registry", "notes", "aliases.json"), """{ "champion": null, "candidate": null, "previous": null }""");
        var run = await RunAsync(copies: 3);

        run.Should().Match<RunRecord>(r => r.Outcome == RunOutcome.Failed && r.Error!.StartsWith("All stages are done, but their models could not be registered: ") && r.Verdict == null);
        run.Stages[0].Outcome.Should().Be(StageOutcome.Succeeded);
    }

    [Fact]
    public async Task RunAsync_ChampionChangedMeanwhile_WaitsForSomebody()
    {
        await RunAsync(copies: 5);
        await RunAsync(copies: 4);
        var options = new RunOptions { StageChanged = stage => { if (stage.Outcome == StageOutcome.Running) _bench.Registry.RollBack("notes"); } };

        var run = await _bench.RunAsync(Note(copies: 3), options);

        run.Verdict.Should().Match<PromotionVerdict>(v => v.Passed && v.Outcome == PromotionOutcome.Waiting && v.Reason.Contains("was changed to version 1 during the run"));
        Aliases.Should().Be(new RegistryAliases(1, 3, 2));
    }

    [Fact]
    public async Task RunAsync_ChampionAsInput_IsTheChampionsArtifactOnceThereIsOne()
    {
        const string Following = """ "acme-note": { "Text": "x", "Copies": 5, "Inputs": { "earlier": "@champion" } } """;
        var first = await _bench.RunAsync(Following);
        Directory.GetFiles(Path.Combine(first.Stages[0].ArtifactFolder!, "pages")).Should().ContainSingle("there is no champion yet");

        _bench.Plan(Following).Single().Should().Match<PlannedStage>(s => !s.UpToDate && s.Reason == "input Earlier changed");
        var second = await _bench.RunAsync(Following);

        File.ReadAllText(Path.Combine(second.Stages[0].ArtifactFolder!, "pages", "0.txt")).Should().Be("x\nx\nx\nx\nx\n");
        var input = ArtifactManifest.TryRead(second.Stages[0].ArtifactFolder!)!.Inputs.Should().ContainSingle().Which;
        input.Should().Match<ManifestInput>(i => i.Option == "Earlier" && i.Source == first.Stages[0].ArtifactFolder && i.Stage == "@champion");
        Aliases.Should().Be(new RegistryAliases(2, 2, 1));
    }

    [Fact]
    public async Task RunAsync_ChampionsArtifactIsGone_FailsWithTheReason()
    {
        var first = await RunAsync(copies: 5);
        Directory.Delete(first.Stages[0].ArtifactFolder!, recursive: true);

        var run = await _bench.RunAsync(""" "acme-note": { "Text": "y", "Inputs": { "Earlier": "@champion" } } """);

        run.Error.Should().StartWith("Stage acme-note failed: Version 1 of pipeline notes cannot be used: artifacts/note/").And.Contain("is gone");
    }

    private static string Promotion(bool automatic = true) => $$""", "Promotion": { "Rules": [ "copies <= championCopies" ], "Automatic": {{(automatic ? "true" : "false")}} }""";

    private static string Note(int copies) => $$""" "acme-note": { "Text": "x", "Copies": {{copies}} } """;

    private Task<RunRecord> RunAsync(int copies) => _bench.RunAsync(Note(copies));
}
