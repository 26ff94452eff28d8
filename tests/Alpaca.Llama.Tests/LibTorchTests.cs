using System.Runtime.InteropServices;
using static TorchSharp.torch;

namespace Alpaca.Llama.Tests;

public sealed class LibTorchTests
{
    [Fact]
    public void Register_OnThisSystem_LetsTorchSharpCompute()
    {
        using var x = ones(2, 3);
        x.sum().item<float>().Should().Be(6);
    }

    [Fact]
    public void Register_WaitPolicyNotChosen_LetsIdleThreadsSleep()
    {
        if (!OperatingSystem.IsLinux() || Environment.GetEnvironmentVariable("OMP_WAIT_POLICY") is not null) return;

        // libgomp looks at the C library's environment, of which .NET keeps a copy made at its start.
        var value = Marshal.PtrToStringAnsi(GetEnvironment("GOMP_SPINCOUNT"));
        value.Should().Be(Environment.GetEnvironmentVariable("GOMP_SPINCOUNT") ?? "1000");
    }

    [DllImport("libc", EntryPoint = "getenv", CharSet = CharSet.Ansi, BestFitMapping = false, ThrowOnUnmappableChar = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern IntPtr GetEnvironment(string name);
}
