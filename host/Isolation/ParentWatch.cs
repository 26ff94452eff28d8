using System.Diagnostics;

namespace Alpaca.Host;

/// <summary>Cancels a stage worker when the service says so or has died, and then sees to it that the process ends.</summary>
/// <remarks>
/// The end of standard input is how a worker learns of the service's death, on every system. Linux's PR_SET_PDEATHSIG would not do: it goes by the thread that started the process, and pool threads end at any time.
/// </remarks>
internal sealed class ParentWatch
{
    private readonly TextReader _input;
    private readonly TimeSpan _orphanTime;
    private readonly CancellationTokenSource _cancelled;

    private ParentWatch(TextReader input, TimeSpan orphanTime, CancellationTokenSource cancelled) => (_input, _orphanTime, _cancelled) = (input, orphanTime, cancelled);

    /// <summary>Watches from a thread of its own until the process ends, so that no busy thread pool delays it.</summary>
    /// <param name="input">Standard input after the order.</param>
    /// <param name="orphanTime">How long the process may go on after the service's death.</param>
    /// <param name="cancelled">Cancelled by a line or by the end.</param>
    public static void Start(TextReader input, TimeSpan orphanTime, CancellationTokenSource cancelled)
        => new Thread(new ParentWatch(input, orphanTime, cancelled).Run) { IsBackground = true, Name = "Parent watch" }.Start();

    private void Run()
    {
        while (ReadLine() is not null) _ = _cancelled.CancelAsync();
        _ = _cancelled.CancelAsync();
        Thread.Sleep(_orphanTime);
        using var self = Process.GetCurrentProcess();
        self.Kill();
    }

    private string? ReadLine()
    {
        try
        {
            return _input.ReadLine();
        }
        catch (IOException)
        {
            return null;
        }
    }
}
