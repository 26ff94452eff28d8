using System.Runtime.Loader;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Logging.Abstractions;

namespace Alpaca.Host.Tests;

/// <summary>The plugins of tests/TestPlugins, which the build lays out beside the tests.</summary>
internal static class TestPlugins
{
    private static readonly string Built = Path.Combine(AppContext.BaseDirectory, "TestPlugins");

    /// <summary>Copies plugins into <c>plugins/</c> of a folder, from where they can be loaded and changed.</summary>
    public static string Install(TemporaryFolder folder, params string[] names)
    {
        foreach (var name in names)
        {
            var target = folder.CreateFolder("plugins", name);
            foreach (var file in Directory.GetFiles(Path.Combine(Built, name))) File.Copy(file, Path.Combine(target, Path.GetFileName(file)));
        }

        return folder.CreateFolder("plugins");
    }

    public static PluginCatalog Load(TemporaryFolder folder, params string[] names) => Open(Install(folder, names));

    public static PluginCatalog Open(string plugins, params string[] disabled)
        => new([plugins], disabled, new ConfigurationBuilder().Build(), NullLoggerFactory.Instance, TimeProvider.System);

    /// <summary>Whether an assembly from below a folder is still in memory, after the garbage collector had every chance.</summary>
    public static bool AnyStillLoadedFrom(TemporaryFolder folder)
    {
        for (var attempt = 0; attempt < 30 && IsLoaded(folder); attempt++)
        {
            GC.Collect();
            GC.WaitForPendingFinalizers();
        }

        return IsLoaded(folder);
    }

    public static bool IsLoaded(TemporaryFolder folder)
        => AssemblyLoadContext.All.SelectMany(c => c.Assemblies).Any(a => !a.IsDynamic && a.Location.StartsWith(folder.Path, StringComparison.Ordinal));
}
