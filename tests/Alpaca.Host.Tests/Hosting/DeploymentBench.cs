using System.Diagnostics;

namespace Alpaca.Host.Tests;

/// <summary>A folder that looks as if it had been published, another one to install to, and the scripts that do it.</summary>
internal sealed class DeploymentBench : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public DeploymentBench()
    {
        Publish("1");
        Root = _folder.CreateFolder("root");
    }

    public string Published => _folder.Combine("published");

    /// <summary>What stands for <c>/</c>.</summary>
    public string Root { get; }

    public string Unit => Installed("etc", "systemd", "system", "alpaca.service");

    public void Dispose() => _folder.Dispose();

    public string Installed(params string[] path) => Path.Combine([Root, .. path]);

    public string Write(string name, string content) => _folder.Write(name, content);

    /// <summary>Publishes a version, with everything writable for everybody.</summary>
    public void Publish(string version)
    {
        foreach (var (name, content) in new[] { ("alpaca", "#!/bin/sh\n"), ("alpaca.exe", ""), ("alpaca.dll", version), ("plugins/Alpaca.Convert/Alpaca.Convert.dll", version), ("samples/chinese_sp.model", version) })
            _folder.Write($"published/{name}", content);
        File.Copy(Path.Combine(Golden.RepositoryRoot, "appsettings.json"), Path.Combine(Published, "appsettings.json"), overwrite: true);
        if (OperatingSystem.IsWindows()) return;
        const UnixFileMode everybody = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead | UnixFileMode.GroupWrite | UnixFileMode.OtherRead | UnixFileMode.OtherWrite;
        foreach (var file in Directory.GetFiles(Published, "*", SearchOption.AllDirectories)) File.SetUnixFileMode(file, everybody);
    }

    /// <summary>Runs a script of <c>deploy/</c>.</summary>
    public static Task<(int ExitCode, string Output, string Error)> RunScriptAsync(string script, params string[] arguments)
        => RunAsync("/bin/sh", [Path.Combine(Golden.RepositoryRoot, "deploy", script), .. arguments]);

    public static async Task<(int ExitCode, string Output, string Error)> RunAsync(string program, params string[] arguments)
    {
        using var process = Process.Start(new ProcessStartInfo(program, arguments) { RedirectStandardOutput = true, RedirectStandardError = true })!;
        var output = process.StandardOutput.ReadToEndAsync();
        var error = process.StandardError.ReadToEndAsync();
        using var limit = new CancellationTokenSource(TimeSpan.FromMinutes(2));
        try
        {
            await process.WaitForExitAsync(limit.Token);
        }
        finally
        {
            if (!process.HasExited) process.Kill(entireProcessTree: true);
        }

        return (process.ExitCode, await output, await error);
    }

    /// <summary>Installs, and expects that to work.</summary>
    public async Task<string> InstallAsync(params string[] arguments)
    {
        var (exitCode, output, error) = await RunScriptAsync("install-systemd.sh", ["--from", Published, "--root", Root, .. arguments]);
        exitCode.Should().Be(0, "it said {0}", error);
        error.Should().BeEmpty();
        return output;
    }

    /// <summary>Every file and folder below the root with its mode, in octal.</summary>
    public Dictionary<string, string> Modes() => Directory.GetFileSystemEntries(Root, "*", SearchOption.AllDirectories)
        .ToDictionary(path => Path.GetRelativePath(Root, path), path => Convert.ToString((int)(OperatingSystem.IsWindows() ? default : File.GetUnixFileMode(path)), 8));
}
