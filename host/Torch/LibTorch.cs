using System.Reflection;
using System.Runtime.InteropServices;
using System.Runtime.Loader;
using Alpaca.Formats;

namespace Alpaca.Host.Torch;

/// <summary>Lets TorchSharp find its native libraries on systems where it does not by itself, at the moment it first asks for them.</summary>
/// <remarks>
/// TorchSharp 0.107.0's <c>libLibTorchSharp.so</c> asks for GLIBCXX_3.4.32 (gcc 13), which Debian 12, Ubuntu 22.04 and RHEL 9 lack, and uses nothing of it: the
/// version holds one marker symbol, <c>_ZSt21ios_base_library_initv</c>, without a relocation. A copy whose requirement is marked weak loads there
/// (docs/decisions/0002-weak-glibcxx.md). The original file is left alone, and where libstdc++ is new enough nothing happens.
/// </remarks>
public static class LibTorch
{
    private const string TorchSharpLibrary = "LibTorchSharp";
    private const string TorchCpu = "libtorch_cpu.so";
    private static readonly Lock LoadLock = new();
    private static bool _registered;

    // Where the build puts the packaged one; with -p:Accelerator=cuda it lies beside the executable instead, where nobody needs help to find it.
    private static string _folder = Path.Combine(AppContext.BaseDirectory, "libtorch");

    /// <summary>Registers the loader in the default load context. Nothing is loaded until the assembly TorchSharp is. Calling it again does nothing.</summary>
    public static void Register()
    {
        lock (LoadLock)
        {
            if (_registered || !OperatingSystem.IsLinux()) return;
            LetIdleThreadsSleep();
            AssemblyLoadContext.Default.ResolvingUnmanagedDll += Resolve;
            // Before TorchSharp looks for it by name, which on a system with a libtorch of its own finds that one.
            AppDomain.CurrentDomain.AssemblyLoad += (_, e) =>
            {
                if (e.LoadedAssembly.GetName().Name == nameof(TorchSharp)) LoadLibTorch();
            };
            // A process may have loaded it for its types alone, as a test runner does.
            if (AppDomain.CurrentDomain.GetAssemblies().Any(assembly => assembly.GetName().Name == nameof(TorchSharp))) LoadLibTorch();
            _registered = true;
        }
    }

    /// <summary>Makes libtorch's idle threads (OpenMP, libgomp) sleep after microseconds instead of milliseconds, unless the user has chosen.</summary>
    /// <remarks>
    /// libgomp waits by spinning some milliseconds, which on a machine that has anything else to do takes the time slice from the very thread it waits for: with two
    /// other busy processes on two cores, decoding is 10 to 50 times slower. 1000 rounds is what libgomp itself uses once it has more threads than cores.
    /// libgomp reads the C library's environment when it is loaded, which <see cref="Environment.SetEnvironmentVariable(string,string)"/> does not write.
    /// </remarks>
    private static void LetIdleThreadsSleep()
    {
        if (Environment.GetEnvironmentVariable("OMP_WAIT_POLICY") is null) _ = SetEnvironment("GOMP_SPINCOUNT", "1000", overwrite: 0);
    }

    [DllImport("libc", EntryPoint = "setenv", CharSet = CharSet.Ansi, BestFitMapping = false, ThrowOnUnmappableChar = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int SetEnvironment(string name, string value, int overwrite);

    /// <summary>Takes an existing libtorch (a PyTorch install's <c>torch/lib</c>) instead of the one that came with the build. Call it before TorchSharp is used.</summary>
    /// <param name="folder">The folder with <c>libtorch_cpu.so</c>.</param>
    /// <exception cref="FileNotFoundException">The folder holds no libtorch.</exception>
    /// <exception cref="DllNotFoundException">It cannot be loaded.</exception>
    /// <exception cref="NotSupportedException">This build has a libtorch where TorchSharp finds it by itself, and a process cannot hold two.</exception>
    public static void Preload(string folder)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(folder);
        var required = Path.Combine(folder, TorchCpu);
        if (!File.Exists(required))
            throw new FileNotFoundException($"Torch:LibraryPath is {folder}, which holds no {TorchCpu}; set it to the folder of an existing libtorch, such as torch/lib of a PyTorch install.", required);
        if (File.Exists(Path.Combine(AppContext.BaseDirectory, TorchCpu)))
            throw new NotSupportedException($"{AppContext.BaseDirectory} holds a libtorch, and a process cannot have two; remove Torch:LibraryPath, or use the build made without -p:Accelerator=cuda.");
        lock (LoadLock) _folder = folder;
        LoadLibTorch();
    }

    private static IntPtr Resolve(Assembly assembly, string name)
    {
        if (!name.Contains(TorchSharpLibrary, StringComparison.Ordinal)) return IntPtr.Zero;
        lock (LoadLock) return FindTorchSharp() is { } file ? NativeLibrary.Load(WeakenedCopy(file)) : IntPtr.Zero;
    }

    // What is loaded satisfies whoever needs a library of that name later.
    private static void LoadLibTorch()
    {
        foreach (var name in (string[])["libc10.so", TorchCpu, "libc10_cuda.so", "libtorch_cuda.so", "libtorch.so"])
        {
            var path = Path.Combine(_folder, name);
            if (File.Exists(path)) NativeLibrary.Load(path);
        }
    }

    private static string? FindTorchSharp()
    {
        string[] folders = [AppContext.BaseDirectory, Path.Combine(AppContext.BaseDirectory, "runtimes", "linux-x64", "native")];
        return folders.Select(folder => Path.Combine(folder, $"lib{TorchSharpLibrary}.so")).FirstOrDefault(File.Exists);
    }

    /// <summary>The path of a loadable copy: beside the original where that is writable, else in the user's cache folder. Made once per version of the original.</summary>
    private static string WeakenedCopy(string original)
    {
        var source = new FileInfo(original);
        var name = $"lib{TorchSharpLibrary}.weak-{source.Length:x}-{source.LastWriteTimeUtc.Ticks:x}.so";
        foreach (var folder in CacheFolders(source.DirectoryName!))
        {
            var copy = Path.Combine(folder, name);
            if (File.Exists(copy)) return copy;
            try
            {
                Directory.CreateDirectory(folder);
                var image = File.ReadAllBytes(original);
                ElfVersionNeeds.MakeWeak(image, "GLIBCXX_3.4.32");
                var temporary = $"{copy}.{Environment.ProcessId}";
                File.WriteAllBytes(temporary, image);
                Rename.File(temporary, copy, overwrite: true);
                return copy;
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                // Not writable: the next folder may be.
            }
        }

        throw new DllNotFoundException($"{original} needs a newer libstdc++ and no folder for an adapted copy is writable; make {source.DirectoryName} writable or set XDG_CACHE_HOME.");
    }

    private static IEnumerable<string> CacheFolders(string besideOriginal)
    {
        yield return besideOriginal;
        if (UserCache.Folder is { } cache) yield return cache;
    }
}
