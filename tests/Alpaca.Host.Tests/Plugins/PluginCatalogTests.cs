using System.Globalization;
using Alpaca.Abstractions;

namespace Alpaca.Host.Tests.Plugins;

public sealed class PluginCatalogTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task Load_GoodAndBadPluginsSideBySide_KeepsTheGoodOnesAndExplainsTheOthers()
    {
        using var catalog = TestPlugins.Load(_folder, "Acme.TorchStage", "Acme.WrongContract", "Acme.ThrowsAtLoad", "Acme.Notes");

        catalog.Plugins.Select(p => (p.Name, p.State)).Should().Equal(
            ("Acme.Notes", PluginState.Active),
            ("Acme.ThrowsAtLoad", PluginState.Faulted),
            ("Acme.TorchStage", PluginState.Active),
            ("Acme.WrongContract", PluginState.Incompatible));
        Reason(catalog, "Acme.WrongContract").Should().Be("It was built against Alpaca.Abstractions 2.0.0.0, and this host offers 1.0.0.0; rebuild it against version 1.x.");
        Reason(catalog, "Acme.ThrowsAtLoad").Should().Be("Its ConfigureServices failed: AcmeLicenceException: The Acme licence has expired.");
        catalog.Plugins.Should().OnlyContain(p => p.Version == "1.2.3");

        var stage = catalog.GetStage("acme-gram");
        var errors = new List<string>();
        var request = RequestBinder.Bind(stage.RequestType, new Dictionary<string, IReadOnlyList<string>> { ["Values"] = ["1,2,3"] }, errors, n => n);
        var artifact = await stage.ExecuteAsync(request, StageContexts.In(_folder));

        errors.Should().BeEmpty();
        artifact.Metrics["trace"].Should().Be(14);
        double.Parse(await File.ReadAllTextAsync(_folder.Combine("out", "trace.txt")), CultureInfo.InvariantCulture).Should().Be(14);
    }

    [Fact]
    public void Load_ActivePlugin_ListsItsStagesAndBackends()
    {
        using var catalog = TestPlugins.Load(_folder, "Acme.Notes");

        catalog.Plugins.Should().ContainSingle().Which.Should().BeEquivalentTo(
            new PluginInfo("Acme.Notes", "1.2.3", PluginState.Active, null, ["acme-note", "acme-binder"], ["Notes"], _folder.Combine("plugins", "Acme.Notes")));
        catalog.Stages.Select(s => (s.Name, s.ArtifactKind)).Should().Equal(("acme-note", "note"), ("acme-binder", "binder"));
        catalog.BackendNames.Should().Equal("Notes");
        catalog.GetBackend("notes").Name.Should().Be("Notes");
    }

    [Theory]
    [InlineData("Acme.NoEntry", "It has no class that implements IPlugin; exactly one is needed.")]
    [InlineData("Acme.TwoEntries", "It has 2 classes that implement IPlugin (FirstEntry, SecondEntry); exactly one is needed.")]
    [InlineData("Acme.ThrowsInConstructor", "The constructor of its class ThrowsInConstructorPlugin failed: InvalidOperationException: No Acme server was found.")]
    [InlineData("Acme.MissingLibrary", "*a library is missing*Acme.Absent*")]
    public void Load_PluginThatCannotBeUsed_IsFaultedWithTheReason(string name, string reason)
    {
        using var catalog = TestPlugins.Load(_folder, name);

        catalog.Plugins.Should().ContainSingle().Which.State.Should().Be(PluginState.Faulted);
        Reason(catalog, name).Should().Match(reason);
    }

    [Theory]
    [InlineData("Acme.Notes.dll", "Acme.Notes.dll is missing in *; a plugin's folder and its main assembly have the same name.")]
    [InlineData("Acme.Notes.deps.json", "Acme.Notes.deps.json is missing in *; copy the whole build output and set EnableDynamicLoading in the project.")]
    public void Load_IncompleteFolder_IsFaultedAndNamesTheFile(string missing, string reason)
    {
        var plugins = TestPlugins.Install(_folder, "Acme.Notes");
        File.Delete(Path.Combine(plugins, "Acme.Notes", missing));
        using var catalog = TestPlugins.Open(plugins);

        catalog.Plugins.Should().ContainSingle().Which.State.Should().Be(PluginState.Faulted);
        Reason(catalog, "Acme.Notes").Should().Match(reason);
    }

    [Fact]
    public void Load_FileThatIsNoAssembly_IsFaulted()
    {
        _folder.Write("plugins/Acme.Text/Acme.Text.dll", "This is not an assembly.");
        _folder.Write("plugins/Acme.Text/Acme.Text.deps.json", "{}");
        using var catalog = TestPlugins.Open(_folder.Combine("plugins"));

        Reason(catalog, "Acme.Text").Should().EndWith("Acme.Text.dll is not a .NET assembly.");
    }

    [Fact]
    public void Load_AssemblyWithoutTheContracts_IsIncompatible()
    {
        var plugins = _folder.CreateFolder("plugins", "xunit.assert");
        File.Copy(typeof(Assert).Assembly.Location, Path.Combine(plugins, "xunit.assert.dll"));
        _folder.Write("plugins/xunit.assert/xunit.assert.deps.json", "{}");
        using var catalog = TestPlugins.Open(_folder.Combine("plugins"));

        catalog.Plugins.Should().ContainSingle().Which.State.Should().Be(PluginState.Incompatible);
        Reason(catalog, "xunit.assert").Should().Be("It does not refer to Alpaca.Abstractions, so it is no plugin of this host.");
    }

    [Fact]
    public void Load_DisabledPlugin_IsNotLoaded()
    {
        using var catalog = TestPlugins.Open(TestPlugins.Install(_folder, "Acme.Notes"), "acme.notes");

        catalog.Plugins.Should().ContainSingle().Which.State.Should().Be(PluginState.Disabled);
        catalog.Stages.Should().BeEmpty();
        TestPlugins.IsLoaded(_folder).Should().BeFalse();
    }

    [Fact]
    public void Load_StageNameThatIsTaken_FaultsTheLaterPlugin()
    {
        using var catalog = TestPlugins.Load(_folder, "Acme.Notes", "Acme.SameStage");

        catalog.Plugins.Select(p => p.State).Should().Equal(PluginState.Active, PluginState.Faulted);
        Reason(catalog, "Acme.SameStage").Should().Be("Its stage 'acme-note' is already offered by plugin Acme.Notes; disable one of them under Plugins:Disabled.");
        catalog.GetStage("acme-note").Plugin.Name.Should().Be("Acme.Notes");
    }

    [Fact]
    public void Load_FolderThatDoesNotExist_HoldsNoPlugins()
    {
        using var catalog = TestPlugins.Open(_folder.Combine("nowhere"));

        catalog.Plugins.Should().BeEmpty();
    }

    [Fact]
    public void GetStage_ThatIsNotThere_SaysWhatThereIsAndWhyThePluginIsNotActive()
    {
        using var catalog = TestPlugins.Load(_folder, "Acme.Notes", "Acme.ThrowsAtLoad");

        catalog.Invoking(c => c.GetStage("acme-nota")).Should().Throw<AlpacaException>().WithMessage(
            "No active plugin offers the stage 'acme-nota' (there is acme-binder, acme-note); did you mean acme-note? "
            + "Plugin Acme.ThrowsAtLoad is Faulted: Its ConfigureServices failed: AcmeLicenceException: The Acme licence has expired.");
    }

    [Fact]
    public void GetBackend_ThatIsNotThere_SaysWhatThereIs()
    {
        using var catalog = TestPlugins.Load(_folder, "Acme.Notes");

        catalog.Invoking(c => c.GetBackend("Onnx")).Should().Throw<AlpacaException>()
            .WithMessage("No active plugin offers the inference backend 'Onnx' (there is Notes).");
    }

    private static string Reason(PluginCatalog catalog, string name) => catalog.Plugins.Single(p => p.Name == name).Reason!;
}
