using System.Diagnostics;
using System.Globalization;
using Alpaca.Abstractions;

namespace Alpaca.Host;

/// <summary>A program that is measured from outside.</summary>
internal static class ChildProcess
{
    private static readonly TimeSpan SamplingInterval = TimeSpan.FromMilliseconds(20);

    /// <summary>Runs this executable with other arguments.</summary>
    public static Task<ChildFigures> RunSelfAsync(IReadOnlyList<string> arguments, CancellationToken cancellationToken)
    {
        var self = Environment.ProcessPath!;
        var isHosted = Path.GetFileNameWithoutExtension(self) == "dotnet"; // `dotnet alpaca.dll`
        return RunAsync(self, isHosted ? [typeof(ChildProcess).Assembly.Location, .. arguments] : arguments, cancellationToken);
    }

    /// <summary>Runs a program to its end.</summary>
    /// <exception cref="AlpacaException">It failed; the message has its last words.</exception>
    public static async Task<ChildFigures> RunAsync(string program, IReadOnlyList<string> arguments, CancellationToken cancellationToken)
    {
        var started = TimeProvider.System.GetTimestamp();
        using var process = Process.Start(new ProcessStartInfo(program, arguments) { RedirectStandardError = true, RedirectStandardOutput = true })!;
        using var stop = cancellationToken.Register(() => process.Kill(entireProcessTree: true));
        var error = process.StandardError.ReadToEndAsync(CancellationToken.None);
        var output = process.StandardOutput.ReadToEndAsync(CancellationToken.None);
        long peak = 0;
        while (!process.HasExited)
        {
            peak = Math.Max(peak, AnonymousMemory(process));
            await Task.WhenAny(process.WaitForExitAsync(CancellationToken.None), Task.Delay(SamplingInterval, CancellationToken.None)).ConfigureAwait(false);
        }

        var elapsed = TimeProvider.System.GetElapsedTime(started);
        cancellationToken.ThrowIfCancellationRequested();
        await output.ConfigureAwait(false);
        return process.ExitCode == 0
            ? new ChildFigures(elapsed, peak)
            : throw new AlpacaException($"{Path.GetFileName(program)} {string.Join(' ', arguments)} failed with exit code {process.ExitCode}: {(await error.ConfigureAwait(false)).Trim()}");
    }

    // RssAnon of proc(5): memory that belongs to the process alone, without files in the page cache.
    private static long AnonymousMemory(Process process)
    {
        try
        {
            if (!OperatingSystem.IsLinux())
            {
                process.Refresh();
                return process.PrivateMemorySize64;
            }

            var line = File.ReadLines(string.Create(CultureInfo.InvariantCulture, $"/proc/{process.Id}/status")).FirstOrDefault(l => l.StartsWith("RssAnon:", StringComparison.Ordinal));
            return line is null ? 0 : long.Parse(line.Split(' ', StringSplitOptions.RemoveEmptyEntries)[^2], CultureInfo.InvariantCulture) << 10;
        }
        catch (Exception e) when (e is IOException or InvalidOperationException)
        {
            return 0; // It has just ended.
        }
    }
}

/// <summary>What a program took.</summary>
/// <param name="Elapsed">Wall clock, its start included.</param>
/// <param name="PeakAnonymousBytes">The most anonymous memory seen.</param>
internal sealed record ChildFigures(TimeSpan Elapsed, long PeakAnonymousBytes);
