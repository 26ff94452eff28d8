using System.Diagnostics;

namespace Alpaca.Host.Tests;

/// <summary>A process that has ended.</summary>
internal static class DeadProcess
{
    /// <summary>Its number, which no process has now.</summary>
    public static int Id { get; } = RunAndEnd();

    private static int RunAndEnd()
    {
        using var process = Process.Start(new ProcessStartInfo(Environment.ProcessPath!, "--version") { RedirectStandardOutput = true, RedirectStandardError = true })!;
        process.Kill();
        process.WaitForExit();
        return process.Id;
    }
}
