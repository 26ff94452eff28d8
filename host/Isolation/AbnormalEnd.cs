using Alpaca.Abstractions;

namespace Alpaca.Host;

/// <summary>What is said about a stage whose process ended without a word of its own.</summary>
internal static class AbnormalEnd
{
    // A process that a signal ended has this plus the signal's number as its exit code, in .NET as in shells.
    private const int SignalBase = 128;
    private const int SigKill = 9;

    /// <summary>An error with the exit code or signal, the last line of standard error, and what may help.</summary>
    public static AlpacaException Describe(string stage, int exitCode, LastWords words)
    {
        var how = SignalOf(exitCode) is { } signal ? $"signal {signal}{NameOf(signal) switch { { } name => $", {name}", _ => "" }}" : $"exit code {exitCode}";
        var line = words.Line is { Length: > 0 } text ? $": {text.TrimEnd('.')}" : "";
        return new AlpacaException($"Stage {stage} ended abnormally ({how}){line}; {Advice(SignalOf(exitCode))}.", new LastLinesException(words.ToString()));
    }

    private static string Advice(int? signal) => signal switch
    {
        SigKill => "the kernel probably ended it for lack of memory: lower what it holds at a time (for training BatchSize and MaxSeqLength), or free memory",
        4 => "it met an instruction that this processor does not have: take a libtorch or a plugin built for it",
        15 or 2 => "somebody stopped its process; run it again",
        _ => "a native library in it failed: the log has its last lines at level Debug; if it happens again, report it to the plugin's author",
    };

    private static int? SignalOf(int exitCode) => !OperatingSystem.IsWindows() && exitCode is > SignalBase and <= SignalBase + 64 ? exitCode - SignalBase : null;

    private static string? NameOf(int signal) => signal switch
    {
        1 => "SIGHUP",
        2 => "SIGINT",
        3 => "SIGQUIT",
        4 => "SIGILL",
        5 => "SIGTRAP",
        6 => "SIGABRT",
        7 when OperatingSystem.IsLinux() => "SIGBUS",
        8 => "SIGFPE",
        SigKill => "SIGKILL",
        10 when OperatingSystem.IsMacOS() => "SIGBUS",
        11 => "SIGSEGV",
        15 => "SIGTERM",
        _ => null,
    };

    /// <summary>The last lines of standard error, for those who ask for details.</summary>
    private sealed class LastLinesException(string lines) : Exception(lines)
    {
        public override string ToString() => $"The last lines of its standard error:\n{Message}";
    }
}
