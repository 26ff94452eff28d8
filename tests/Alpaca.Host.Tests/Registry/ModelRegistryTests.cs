using Alpaca.Abstractions;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;

namespace Alpaca.Host.Tests.Registry;

public sealed class ModelRegistryTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly RegistryEvents _events = new();
    private readonly ModelRegistry _registry;

    public ModelRegistryTests() => _registry = Open(_events);

    private string Aliases => _folder.Combine("workspace", "registry", "notes", "aliases.json");

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Champion_NothingRegistered_IsNone()
    {
        _registry.Champion("notes").Should().BeNull();
        _registry.Aliases("notes").Should().Be(new RegistryAliases(null, null, null));
        _registry.List("notes").Should().BeEmpty();
        Directory.Exists(_folder.Combine("workspace")).Should().BeFalse("reading touches nothing");
    }

    [Fact]
    public void Register_Version_IsReadBackAsItWas()
    {
        _registry.Register().Number.Should().Be(1);
        var second = _registry.Register();

        Open().Get("notes", 2).Should().BeEquivalentTo(second);
        Open().List("notes").Select(v => v.Number).Should().Equal(2, 1);
        File.ReadAllText(_folder.Combine("workspace", "registry", "notes", "versions", "2.json")).Should().Contain("底座").And.Contain("\"outcome\": \"Promoted\"");
    }

    [Fact]
    public void Register_VersionWasRemoved_ItsNumberBelowOthersIsNotGivenAgain()
    {
        for (var i = 0; i < 3; i++) _registry.Register();
        File.Delete(_folder.Combine("workspace", "registry", "notes", "versions", "2.json"));

        _registry.Register().Number.Should().Be(4);
    }

    [Fact]
    public void Register_ChampionsFileWasRemoved_ItsNumberIsNotGivenToAnother()
    {
        PromoteTwo();
        File.Delete(_folder.Combine("workspace", "registry", "notes", "versions", "2.json"));

        _registry.Register().Number.Should().Be(3);
    }

    [Fact]
    public void Promote_OneAfterTheOther_KeepsThePreviousOne()
    {
        for (var i = 0; i < 3; i++) _registry.Register();

        _registry.Promote("notes", 1);
        _registry.Promote("notes", 2);
        _registry.Promote("notes", 2);

        _registry.Aliases("notes").Should().Be(new RegistryAliases(2, null, 1));
        _registry.Champion("notes")!.Number.Should().Be(2);
        _events.Seen.Should().Equal("notes: promoted 1: Promoted by hand.", "notes: promoted 2: Promoted by hand.");
    }

    [Fact]
    public void Promote_VersionThatDidNotPass_NeedsForce()
    {
        _registry.Register(passed: false);

        _registry.Invoking(r => r.Promote("notes", 1)).Should().Throw<AlpacaException>().WithMessage("Version 1 of pipeline notes did not pass: It failed. Promote it all the same with --force.");
        _registry.Promote("notes", 1, force: true);

        _registry.Champion("notes")!.Number.Should().Be(1);
    }

    [Fact]
    public void Promote_UnknownVersion_SaysWhere()
        => _registry.Invoking(r => r.Promote("notes", 5)).Should().Throw<AlpacaException>().WithMessage("There is no version 5 of pipeline notes in *");

    [Fact]
    public void RollBack_Twice_GoesBackAndForth()
    {
        PromoteTwo();

        _registry.RollBack("notes").Number.Should().Be(1);
        _registry.Aliases("notes").Should().Be(new RegistryAliases(1, null, 2));
        _registry.RollBack("notes").Number.Should().Be(2);

        _events.Seen.TakeLast(2).Should().Equal("notes: rolled back to 1: Rolled back by hand.", "notes: rolled back to 2: Rolled back by hand.");
    }

    [Fact]
    public void RollBack_NoPreviousVersion_SaysSo()
    {
        _registry.Register();
        _registry.Promote("notes", 1);

        _registry.Invoking(r => r.RollBack("notes")).Should().Throw<AlpacaException>().WithMessage("Pipeline notes has no previous version*");
        _registry.Champion("notes")!.Number.Should().Be(1);
    }

    [Fact]
    public void TakeBack_Champion_MarksItAndGoesBack()
    {
        PromoteTwo();

        _registry.TakeBack("notes", 2, "It could not be loaded.")!.Number.Should().Be(1);

        _registry.Aliases("notes").Should().Be(new RegistryAliases(1, null, null), "nobody is to go back to what cannot be served");
        _registry.Rejection("notes", 2)!.Reason.Should().Be("It could not be loaded.");
        _registry.List("notes").Should().HaveCount(2, "the mark is no version");
        _events.Seen.TakeLast(2).Should().Equal("notes: rejected 2: It could not be loaded.", "notes: rolled back to 1: It could not be loaded.");
        _registry.Invoking(r => r.Promote("notes", 2)).Should().Throw<AlpacaException>().WithMessage("*was taken back: It could not be loaded.*--force.");
        _registry.Promote("notes", 2, force: true);
        _registry.Rejection("notes", 2).Should().BeNull("somebody has decided otherwise");
    }

    [Fact]
    public void TakeBack_VersionThatIsNoChampionAnyMore_ChangesNothing()
    {
        PromoteTwo();
        _registry.RollBack("notes");

        _registry.TakeBack("notes", 2, "Late.").Should().BeNull();

        _registry.Aliases("notes").Should().Be(new RegistryAliases(1, null, 2));
        _registry.Rejection("notes", 2).Should().BeNull();
    }

    [Fact]
    public void TakeBack_FirstChampion_StaysAsThereIsNoOther()
    {
        _registry.Register();
        _registry.Promote("notes", 1);

        _registry.TakeBack("notes", 1, "Bad.").Should().BeNull();
        _registry.Champion("notes")!.Number.Should().Be(1);
    }

    [Theory]
    [InlineData("")]
    [InlineData("null")]
    [InlineData("{")]
    [InlineData("{}")]
    [InlineData("[]")]
    [InlineData("{ \"champion\": \"two\", \"candidate\": null, \"previous\": null }")]
    [InlineData("\0\0\0\0")]
    public void Champion_DamagedAliases_NamesTheFile(string content)
    {
        PromoteTwo();
        File.WriteAllText(Aliases, content);

        _registry.Invoking(r => r.Champion("notes")).Should().Throw<AlpacaException>().WithMessage($"{Aliases} is damaged (*");
        _registry.Invoking(r => r.Promote("notes", 1)).Should().Throw<AlpacaException>();
        File.Delete(Aliases);
        _registry.Promote("notes", 1).Number.Should().Be(1, "the message says how to go on");
    }

    [Fact]
    public void Champion_VersionFileMissingOrOfAnother_SaysSo()
    {
        PromoteTwo();
        var version = _folder.Combine("workspace", "registry", "notes", "versions", "2.json");

        File.Copy(_folder.Combine("workspace", "registry", "notes", "versions", "1.json"), version, overwrite: true);
        _registry.Invoking(r => r.Champion("notes")).Should().Throw<AlpacaException>().WithMessage($"{version} is damaged (it is of version 1 of pipeline notes)*");
        File.Delete(version);
        _registry.Invoking(r => r.Champion("notes")).Should().Throw<AlpacaException>().WithMessage("There is no version 2 of pipeline notes*");
    }

    [Fact]
    public void Promote_ProcessDiedBeforeTheRename_FindsTheOldAliasesAndClearsAway()
    {
        PromoteTwo();
        var unfinished = _folder.Combine("workspace", "registry", "notes", $".aliases.json.partial-{DeadProcess.Id}-1");
        File.WriteAllText(unfinished, """{ "champion": 1, "cand""");
        var half = _folder.Combine("workspace", "registry", "notes", "versions", $".3.json.partial-{DeadProcess.Id}-1");
        File.WriteAllText(half, "{");

        _registry.Aliases("notes").Should().Be(new RegistryAliases(2, null, 1));
        _registry.List("notes").Should().HaveCount(2);
        _registry.Promote("notes", 1);

        File.Exists(unfinished).Should().BeFalse();
        File.Exists(half).Should().BeFalse();
    }

    [Fact]
    public async Task Change_FromManyThreads_LosesNoVersionAndLeavesValidAliases()
    {
        const int Workers = 6;
        const int Rounds = 25;
        for (var i = 0; i < 2; i++) _registry.Register();
        _registry.Promote("notes", 1);
        _registry.Promote("notes", 2);
        using var stop = new CancellationTokenSource();
        var hasRead = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var reading = Task.Run(() =>
        {
            var registry = Open();
            do
            {
                AssertValid(registry);
                hasRead.TrySetResult();
            }
            while (!stop.IsCancellationRequested);
        });
        await Task.WhenAny(hasRead.Task, reading);

        await Task.WhenAll(Enumerable.Range(0, Workers).Select(seed => Task.Run(() =>
        {
            var (registry, random) = (Open(), new Random(seed)); // each with files and locks of its own, as processes have them
            for (var round = 0; round < Rounds; round++)
            {
                if (round % 5 == 0) registry.Register();
                var number = 1 + random.Next(2);
                if (random.Next(2) == 0) registry.Promote("notes", number);
                else registry.RollBack("notes");
            }
        })));
        await stop.CancelAsync();

        await reading;
        AssertValid(_registry);
        _registry.List("notes").Select(v => v.Number).Should().Equal(Enumerable.Range(1, 2 + (Workers * Rounds / 5)).Reverse());
    }

    private static void AssertValid(ModelRegistry registry)
    {
        var aliases = registry.Aliases("notes");
        new[] { aliases.Champion, aliases.Previous }.Should().BeEquivalentTo([1, 2], "a change moves both or none");
    }

    private void PromoteTwo()
    {
        for (var i = 1; i <= 2; i++)
        {
            _registry.Register();
            _registry.Promote("notes", i);
        }
    }

    private ModelRegistry Open(params IRegistryObserver[] observers)
        => new(new ArtifactStore(_folder.Combine("workspace")), new FakeTimeProvider(), observers, NullLogger<ModelRegistry>.Instance);
}
