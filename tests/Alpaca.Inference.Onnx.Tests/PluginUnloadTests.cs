using System.Reflection;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Loader;
using Alpaca.Abstractions;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;

namespace Alpaca.Inference.Onnx.Tests;

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

    /// <summary>Exports and runs a model with a copy of the plugin of its own, as the host does.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    private static async Task<WeakReference> UseAsync(TemporaryFolder folder)
    {
        var context = new PluginContext();
        var plugin = (IPlugin)Activator.CreateInstance(context.LoadFromAssemblyName(new("Alpaca.Inference.Onnx")).GetType("Alpaca.Inference.Onnx.InferenceOnnxPlugin")!)!;
        plugin.Should().NotBeOfType<InferenceOnnxPlugin>("it is a copy from another context");
        var services = new ServiceCollection();
        plugin.ConfigureServices(services, new ConfigurationBuilder().Build());
        await using (var provider = services.BuildServiceProvider())
        {
            var fixture = LlamaFixture.Load("plain");
            var stage = StageContexts.In(folder);
            var export = provider.GetServices<StageDescriptor>().Single(s => s.Name == "export");
            await export.ExecuteAsync(provider, new ExportRequest { Model = fixture.Folder }, stage);

            var backend = provider.GetRequiredService<IInferenceBackend>();
            backend.Name.Should().Be("Onnx");
            using var generator = await backend.LoadAsync(stage.OutputFolder, new InferenceOptions());
            await foreach (var token in generator.GenerateAsync(fixture.Prompt, new GenerationOptions { Temperature = 0, MaxNewTokens = 2 })) token.Id.Should().BeInRange(0, 159);
        }

        context.Unload();
        return new WeakReference(context, trackResurrection: true);
    }

    /// <summary>Holds the plugin and ONNX Runtime's managed part; shares everything else, as the host does.</summary>
    private sealed class PluginContext() : AssemblyLoadContext(isCollectible: true)
    {
        protected override Assembly? Load(AssemblyName name)
            => name.Name is "Alpaca.Inference.Onnx" or "Microsoft.ML.OnnxRuntime" ? LoadFromAssemblyPath(Path.Combine(AppContext.BaseDirectory, name.Name + ".dll")) : null;

        protected override nint LoadUnmanagedDll(string name)
            => NativeLibrary.TryLoad(name, typeof(PluginUnloadTests).Assembly, null, out var library) ? library : 0;
    }
}
