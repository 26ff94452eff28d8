using System.Collections;
using Microsoft.Extensions.DependencyInjection;

namespace Alpaca.Host.Tests;

public sealed class EngineRegistrationTests
{
    [Fact]
    public async Task AddAlpacaEngine_ConfiguredPluginsFolder_RunsItsPipelines()
    {
        using var folder = new TemporaryFolder();
        TestPlugins.Install(folder, "Acme.Notes", "Acme.TorchStage");
        var settings = AlpacaSettings.Load(
            folder.Write("appsettings.json", """
                {
                  "Plugins": { "Folder": "plugins", "Disabled": ["Acme.TorchStage"] },
                  "Pipelines": { "notes": { "Stages": { "acme-note": { "Text": "hello" } } } }
                }
                """),
            null, [], null, new Hashtable());

        await using var services = new ServiceCollection().AddAlpacaEngine(settings).BuildServiceProvider(new ServiceProviderOptions { ValidateOnBuild = true });
        TestPlugins.IsLoaded(folder).Should().BeFalse("plugins are loaded when they are first needed");
        var run = await services.GetRequiredService<PipelineRunner>().RunAsync(settings.GetPipeline(null));

        run.Outcome.Should().Be(RunOutcome.Succeeded);
        File.Exists(folder.Combine("workspace", "runs.db")).Should().BeTrue();
        services.GetRequiredService<IPluginCatalog>().Plugins.Single(p => p.Name == "Acme.TorchStage").State.Should().Be(PluginState.Disabled);
        services.GetRequiredService<StageRunner>().Should().NotBeNull();
    }
}
