namespace Alpaca.Host.Tests;

/// <summary><c>deploy/install-windows.ps1</c> and its counterpart, as far as PowerShell runs them elsewhere: with <c>-WhatIf</c>.</summary>
public sealed class InstallWindowsTests : IDisposable
{
    private readonly DeploymentBench _bench = new();

    public void Dispose() => _bench.Dispose();

    [ToolFact("pwsh")]
    public async Task Install_WhatIf_SaysWhatItWouldDoAndDoesNothing()
    {
        var (exitCode, output, error) = await RunAsync("install-windows.ps1", "-From", _bench.Published, "-Prefix", _bench.Installed("Program Files", "Alpaca"), "-Data", _bench.Installed("ProgramData", "Alpaca"), "-WhatIf");

        exitCode.Should().Be(0, error);
        output.Should().Contain(@"sc.exe config Alpaca obj= NT SERVICE\Alpaca").And.Contain("sc.exe failure Alpaca").And.Contain(@"NT SERVICE\Alpaca:(OI)(CI)M").And.Contain("serve --config");
        _bench.Modes().Should().BeEmpty();
    }

    [ToolFact("pwsh")]
    public async Task Install_FolderThatWasNotPublished_SaysSo()
    {
        var (exitCode, output, error) = await RunAsync("install-windows.ps1", "-From", _bench.Root, "-Prefix", _bench.Installed("Alpaca"), "-Data", _bench.Installed("Data"), "-WhatIf");

        exitCode.Should().NotBe(0);
        (output + error).Should().Contain("has no 'alpaca.exe'");
    }

    [ToolFact("pwsh")]
    public async Task Uninstall_WhatIf_RemovesNothing()
    {
        var (exitCode, output, error) = await RunAsync("uninstall-windows.ps1", "-Prefix", _bench.Published, "-WhatIf");

        exitCode.Should().Be(0, error);
        output.Should().Contain("Remove Directory");
        File.Exists(Path.Combine(_bench.Published, "alpaca.dll")).Should().BeTrue();
    }

    private static Task<(int ExitCode, string Output, string Error)> RunAsync(string script, params string[] arguments)
        => DeploymentBench.RunAsync("pwsh", ["-NoProfile", "-NonInteractive", "-File", Path.Combine(Golden.RepositoryRoot, "deploy", script), .. arguments]);
}
