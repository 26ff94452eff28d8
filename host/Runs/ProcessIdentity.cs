using System.Diagnostics;

namespace Alpaca.Host;

/// <summary>A process by number and start time: numbers are reused, and in a container the service is number 1 after every restart.</summary>
/// <param name="Id">The process id.</param>
/// <param name="StartedAt">When it started (UTC).</param>
internal sealed record ProcessIdentity(int Id, DateTimeOffset StartedAt)
{
    // Linux derives the start time from the boot time, which wanders by some milliseconds when the clock is adjusted.
    private static readonly TimeSpan Tolerance = TimeSpan.FromSeconds(2);

    public static ProcessIdentity Current { get; } = new(Environment.ProcessId, StartOf(Process.GetCurrentProcess()));

    /// <summary>Whether that process still runs.</summary>
    public bool IsAlive()
    {
        try
        {
            using var process = Process.GetProcessById(Id);
            return (StartOf(process) - StartedAt).Duration() < Tolerance;
        }
        catch (ArgumentException)
        {
            return false;
        }
        catch (Exception e) when (e is InvalidOperationException or System.ComponentModel.Win32Exception)
        {
            // It ended meanwhile, or it is another user's, whose start time may not be asked: then it is not one of ours.
            return false;
        }
    }

    /// <summary>Whether any process has that number.</summary>
    public static bool IsNumberInUse(int id)
    {
        try
        {
            Process.GetProcessById(id).Dispose();
            return true;
        }
        catch (ArgumentException)
        {
            return false;
        }
    }

    private static DateTimeOffset StartOf(Process process) => new(process.StartTime.ToUniversalTime());
}
