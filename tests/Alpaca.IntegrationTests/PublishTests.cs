using System.Diagnostics;
using System.Runtime.InteropServices;

namespace Alpaca.IntegrationTests;

/// <summary>A published folder runs from anywhere, needs nothing that was not copied with it, and writes nothing to itself.</summary>
[Trait("Category", "Slow")]
[Collection(AloneCollection.Name)]
public sealed class PublishTests : IDisposable
{
    private static readonly string[] Parts = ["alpaca", "alpaca.dll", "appsettings.json", "deploy", "plugins", "samples"];
    private readonly TemporaryFolder _folder = new();

    public void Dispose()
    {
        SetWritable(true);
        _folder.Dispose();
    }

    [LinuxFact]
    public async Task Publish_CopiedElsewhereAndReadOnly_ListsItsPluginsAndRunsTheSample()
    {
        var published = _folder.Combine("published");
        await PublishAsync(published);
        Directory.GetFileSystemEntries(published).Select(Path.GetFileName).Should().Contain(Parts).And.Contain("libtorch");
        Directory.GetDirectories(Path.Combine(published, "plugins")).Select(folder => Path.GetFileName(folder)!).Should().HaveCountGreaterThan(7)
            .And.OnlyContain(name => File.Exists(Path.Combine(published, "plugins", name, $"{name}.dll")));
        Directory.GetFiles(Path.Combine(published, "plugins"), "*.dll", SearchOption.AllDirectories).Select(Path.GetFileName).Should()
            .NotContain(["System.Private.CoreLib.dll", "TorchSharp.dll", "Alpaca.Abstractions.dll"], "a plugin brings nothing that the host has");

        // What still points to where it was made finds nothing there. Not moved: files may be links to those of the package cache, whose modes are not ours to change.
        await RunAsync("cp", _folder.Path, "-R", published, _folder.Combine("elsewhere"));
        Directory.Delete(published, recursive: true);
        SetWritable(false);
        var elsewhere = _folder.CreateFolder("current");
        var program = Path.Combine(_folder.Combine("elsewhere"), "alpaca");
        var before = Snapshot();

        var plugins = await RunAsync(program, elsewhere, "plugins", "--json", "--workspace", _folder.Combine("workspace"));
        plugins.Json.EnumerateArray().Should().HaveCountGreaterThan(7).And.OnlyContain(plugin => string.Equals(plugin.GetProperty("state").GetString(), "active", StringComparison.OrdinalIgnoreCase));
        var run = await RunAsync(program, elsewhere, "run", "--workspace", _folder.Combine("workspace"));

        run.Output.Should().MatchRegex("Torch: .*北京").And.MatchRegex("Onnx: .*北京");
        Directory.GetDirectories(_folder.Combine("workspace", "drops"), "accepted", SearchOption.AllDirectories).Should().HaveCount(1, "drops are in the workspace that is used");
        Directory.GetFileSystemEntries(elsewhere).Should().BeEmpty("it writes to its workspace only");
        Snapshot().Should().Equal(before);
    }

    [LinuxFact]
    public async Task Publish_SelfContained_HasOneRuntimeAndThePluginsNone()
    {
        var published = _folder.Combine("published");
        await PublishAsync(published, "--self-contained", "-r", RuntimeInformation.RuntimeIdentifier);

        var runtimes = Directory.GetFiles(published, "*", SearchOption.AllDirectories).Where(file => Path.GetFileName(file) is "System.Private.CoreLib.dll" or "libcoreclr.so");
        runtimes.Select(file => Path.GetRelativePath(published, file)).Should().BeEquivalentTo("System.Private.CoreLib.dll", "libcoreclr.so");
        var plugins = await RunAsync(Path.Combine(published, "alpaca"), _folder.Path, "plugins", "--json");
        plugins.Json.EnumerateArray().Should().HaveCountGreaterThan(7).And.OnlyContain(plugin => string.Equals(plugin.GetProperty("state").GetString(), "active", StringComparison.OrdinalIgnoreCase));
    }

    private async Task PublishAsync(string folder, params string[] options)
        => await RunAsync("dotnet", Golden.RepositoryRoot, ["publish", Path.Combine(Golden.RepositoryRoot, "host"), "-c", "Release", "-o", folder, "-v", "q", .. options]);

    // Root may write all the same, and then the copy of one library that an old libstdc++ wants lies there.
    private List<string> Snapshot() =>
        [.. Directory.GetFileSystemEntries(_folder.Combine("elsewhere"), "*", SearchOption.AllDirectories).Where(path => !Path.GetFileName(path).StartsWith("libLibTorchSharp.weak-", StringComparison.Ordinal)).Order(StringComparer.Ordinal)];

    private void SetWritable(bool writable)
    {
        const UnixFileMode write = UnixFileMode.UserWrite | UnixFileMode.GroupWrite | UnixFileMode.OtherWrite;
        if (OperatingSystem.IsWindows() || !Directory.Exists(_folder.Combine("elsewhere"))) return;
        foreach (var path in Directory.GetFileSystemEntries(_folder.Combine("elsewhere"), "*", SearchOption.AllDirectories).Append(_folder.Combine("elsewhere")))
            File.SetUnixFileMode(path, writable ? File.GetUnixFileMode(path) | UnixFileMode.UserWrite : File.GetUnixFileMode(path) & ~write);
    }

    private async Task<ProcessResult> RunAsync(string program, string folder, params string[] arguments)
    {
        var start = new ProcessStartInfo(program, arguments)
        {
            WorkingDirectory = folder,
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            Environment = { ["XDG_CACHE_HOME"] = _folder.Combine("cache") },
        };
        return (await AlpacaProcess.EndAsync(Process.Start(start)!)).ShouldSucceed();
    }
}

/// <summary>Tests that take all the processors there are, and run when the others have ended.</summary>
[CollectionDefinition(Name, DisableParallelization = true)]
public sealed class AloneCollection
{
    public const string Name = "alone";
}
