using System.Reflection;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Loader;
using Alpaca.Abstractions;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;

namespace Alpaca.TestSupport;

/// <summary>A plugin in a collectible context of its own, which holds it and what it brings, and shares everything else, as the host does.</summary>
internal static class PluginCopy
{
    /// <summary>Uses a copy of a plugin; nothing of it may stay in memory afterwards.</summary>
    /// <param name="use">Gets the services that the copy registers.</param>
    /// <param name="brings">Names of the assemblies that it brings beside its own.</param>
    /// <typeparam name="TPlugin">The plugin.</typeparam>
    public static async Task ShouldUnloadAfterAsync<TPlugin>(Func<IServiceProvider, Task> use, params string[] brings)
        where TPlugin : IPlugin
    {
        var context = await UseAsync<TPlugin>(use, brings);
        for (var i = 0; i < 20 && context.IsAlive; i++)
        {
            GC.Collect();
            GC.WaitForPendingFinalizers();
        }

        context.IsAlive.Should().BeFalse();
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static async Task<WeakReference> UseAsync<TPlugin>(Func<IServiceProvider, Task> use, string[] brings)
        where TPlugin : IPlugin
    {
        var own = typeof(TPlugin).Assembly.GetName();
        var context = new Context([own.Name!, .. brings]);
        var plugin = (IPlugin)Activator.CreateInstance(context.LoadFromAssemblyName(own).GetType(typeof(TPlugin).FullName!)!)!;
        plugin.Should().NotBeOfType<TPlugin>("it is a copy from another context");
        var services = new ServiceCollection();
        plugin.ConfigureServices(services, new ConfigurationBuilder().Build());
        await using (var provider = services.BuildServiceProvider()) await use(provider);
        context.Unload();
        return new WeakReference(context, trackResurrection: true);
    }

    private sealed class Context(string[] own) : AssemblyLoadContext(isCollectible: true)
    {
        protected override Assembly? Load(AssemblyName name) => own.Contains(name.Name) ? LoadFromAssemblyPath(Path.Combine(AppContext.BaseDirectory, name.Name + ".dll")) : null;

        protected override nint LoadUnmanagedDll(string name) => NativeLibrary.TryLoad(name, typeof(PluginCopy).Assembly, null, out var library) ? library : 0;
    }
}
