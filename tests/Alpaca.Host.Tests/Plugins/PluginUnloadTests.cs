using System.Runtime.CompilerServices;

namespace Alpaca.Host.Tests.Plugins;

public sealed class PluginUnloadTests
{
    [Fact]
    public void Dispose_AfterAPipelineRan_UnloadsThePlugin()
    {
        using var bench = RunAndUnload("""
            "acme-note": { "Text": "hello", "Copies": 2 }, "acme-binder": {}
            """);

        TestPlugins.AnyStillLoadedFrom(bench.Folder).Should().BeFalse();
    }

    [Fact]
    public void Dispose_AfterAStageFailedWithAnExceptionOfItsOwn_UnloadsThePlugin()
    {
        using var bench = RunAndUnload("""
            "acme-note": { "Text": "hello", "Mishap": "crash" }
            """);

        TestPlugins.AnyStillLoadedFrom(bench.Folder).Should().BeFalse();
    }

    [Theory]
    [InlineData("Acme.ThrowsAtLoad")]
    [InlineData("Acme.ThrowsInConstructor")]
    [InlineData("Acme.MissingLibrary")]
    [InlineData("Acme.TwoEntries")]
    public void Load_PluginThatFails_DoesNotStayInMemory(string name)
    {
        using var folder = new TemporaryFolder();
        using var catalog = TestPlugins.Load(folder, name);

        TestPlugins.AnyStillLoadedFrom(folder).Should().BeFalse();
    }

    [Fact]
    public void Dispose_WithAStageStillHeld_UnloadsThePluginAndTheStageSaysSo()
    {
        using var folder = new TemporaryFolder();
        var stage = LoadAndUnload(folder);

        TestPlugins.AnyStillLoadedFrom(folder).Should().BeFalse();
        stage.Invoking(s => s.RequestType).Should().Throw<ObjectDisposedException>().WithMessage("*Acme.Notes has been unloaded*");
    }

    // Separate methods, so that no local of theirs keeps a plugin's object alive.
    [MethodImpl(MethodImplOptions.NoInlining)]
    private static PluginStage LoadAndUnload(TemporaryFolder folder)
    {
        using var catalog = TestPlugins.Load(folder, "Acme.Notes");
        TestPlugins.IsLoaded(folder).Should().BeTrue();
        return catalog.GetStage("acme-note");
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static Workbench RunAndUnload(string stages)
    {
        var bench = new Workbench();
        var run = bench.RunAsync(stages).GetAwaiter().GetResult();
        run.Stages.Should().NotBeEmpty();
        TestPlugins.IsLoaded(bench.Folder).Should().BeTrue();
        bench.Catalog.Dispose();
        return bench;
    }
}
