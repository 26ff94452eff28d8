using System.Reflection;
using System.Runtime.CompilerServices;
using System.Runtime.Loader;
using Alpaca.Abstractions;
using Alpaca.Inference.Torch;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging.Abstractions;

namespace Alpaca.Evaluation.Tests;

public sealed class PluginUnloadTests
{
    [Fact]
    public async Task Plugin_UsedInACollectibleContext_Unloads()
    {
        using var folder = new TemporaryFolder();
        var context = await UseAsync(folder);

        for (var i = 0; i < 20 && context.IsAlive; i++)
        {
            GC.Collect();
            GC.WaitForPendingFinalizers();
        }

        context.IsAlive.Should().BeFalse();
    }

    /// <summary>Evaluates a model, with another one and trial answers by another plugin's backend, with a copy of the plugin of its own.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    private static async Task<WeakReference> UseAsync(TemporaryFolder folder)
    {
        var context = new PluginContext();
        var plugin = (IPlugin)Activator.CreateInstance(context.LoadFromAssemblyName(new("Alpaca.Evaluation")).GetType("Alpaca.Evaluation.EvaluationPlugin")!)!;
        plugin.Should().NotBeOfType<EvaluationPlugin>("it is a copy from another context");
        var services = new ServiceCollection();
        plugin.ConfigureServices(services, new ConfigurationBuilder().Build());
        await using (var provider = services.BuildServiceProvider())
        {
            var stage = new StageContext
            {
                OutputFolder = folder.CreateFolder("out"),
                ResumeFolder = folder.CreateFolder("resume"),
                Progress = NullProgress.Instance,
                Logger = NullLogger.Instance,
                Backends = new Dictionary<string, IInferenceBackend> { ["Torch"] = new TorchBackend() },
            };
            var request = new EvaluateRequest
            {
                Model = TinyGqa.Folder,
                Champion = TinyModel.CopyTo(folder.CreateFolder("champion")),
                ValidationFile = Path.Combine(TinyGqa.Folder, "instructions.json"),
                SmokeCount = 2,
                SmokeMaxNewTokens = 4,
            };
            var artifact = (Artifact)await provider.GetServices<StageDescriptor>().Single().ExecuteAsync(provider, request, stage);
            artifact.Metrics.Should().ContainKeys("championEvalLoss", "smokePassed");
            File.Exists(folder.Combine("out", "report.json")).Should().BeTrue();
        }

        context.Unload();
        return new WeakReference(context, trackResurrection: true);
    }

    /// <summary>Holds the plugin and the model it brings; shares everything else, as the host does.</summary>
    private sealed class PluginContext() : AssemblyLoadContext(isCollectible: true)
    {
        protected override Assembly? Load(AssemblyName name)
            => name.Name is "Alpaca.Evaluation" or "Alpaca.Llama" ? LoadFromAssemblyPath(Path.Combine(AppContext.BaseDirectory, name.Name + ".dll")) : null;
    }
}
