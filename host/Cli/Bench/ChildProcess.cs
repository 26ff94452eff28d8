using System.Diagnostics;
using Alpaca.Abstractions;

namespace Alpaca.Host;

/// <summary>A program that is measured from outside.</summary>
internal static class ChildProcess
{
    private static readonly TimeSpan SamplingInterval = TimeSpan.FromMilliseconds(20);

    /// <summary>Runs this executable with other arguments.</summary>
    public static Task<ChildFigures> RunSelfAsync(IReadOnlyList<string> arguments, CancellationToken cancellationToken)
    {
        var program = SelfProgram.With(arguments);
        return RunAsync(program[0], [.. program.Skip(1)], cancellationToken);
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
            peak = Math.Max(peak, ProcessMemory.AnonymousBytes(process));
            await Task.WhenAny(process.WaitForExitAsync(CancellationToken.None), Task.Delay(SamplingInterval, CancellationToken.None)).ConfigureAwait(false);
        }

        var elapsed = TimeProvider.System.GetElapsedTime(started);
        cancellationToken.ThrowIfCancellationRequested();
        await output.ConfigureAwait(false);
        return process.ExitCode == 0
            ? new ChildFigures(elapsed, peak)
            : throw new AlpacaException($"{Path.GetFileName(program)} {string.Join(' ', arguments)} failed with exit code {process.ExitCode}: {(await error.ConfigureAwait(false)).Trim()}");
    }
}

/// <summary>What a program took.</summary>
/// <param name="Elapsed">Wall clock, its start included.</param>
/// <param name="PeakAnonymousBytes">The most anonymous memory seen.</param>
internal sealed record ChildFigures(TimeSpan Elapsed, long PeakAnonymousBytes);
