using Alpaca.Abstractions;

namespace Alpaca.Host;

/// <summary>Chooses how progress is shown: bars on a terminal, lines elsewhere; always on standard error.</summary>
internal static class ProgressDisplay
{
    /// <summary>Runs something whose progress is shown.</summary>
    public static Task<T> ShowAsync<T>(CommandConsole console, Func<IStageProgress, Task<T>> run) => console.ErrorIsTerminal
        ? BarProgress.ShowAsync(console.ErrorLines, run)
        : run(new LineProgress(console.Error.WriteLine, TimeProvider.System));
}
