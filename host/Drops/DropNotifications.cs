using Microsoft.Extensions.Logging;

namespace Alpaca.Host;

/// <summary>Hints that something has come into a drop folder. They may be missing: the system has only so many watches, loses some when many files come, and knows nothing of other machines'.</summary>
/// <param name="folder">The folder.</param>
/// <param name="hint">Called for each, from any thread.</param>
/// <param name="log">Told once when there are none.</param>
internal sealed class DropNotifications(DropFolder folder, Action hint, ILogger log) : IDisposable
{
    private FileSystemWatcher? _watcher;
    private ulong _watched; // the folder's identity: a watch stays with a folder that was removed or renamed
    private volatile bool _isBroken;
    private bool _isReported;

    /// <summary>Watches the folder, unless that is done, and again after it was replaced or the watch was lost. Failing is no error.</summary>
    public void Ensure()
    {
        try
        {
            var identity = DropFiles.StateOf(folder.Path)?.Identity ?? 0;
            if (_watcher is not null && identity == _watched && !_isBroken) return;
            Stop();
            _watcher = Start();
            (_watched, _isBroken, _isReported) = (identity, false, false);
        }
        catch (Exception e) when (e is IOException or ArgumentException or UnauthorizedAccessException)
        {
            Stop();
            if (!_isReported) log.NoNotifications(folder.Path, e.Message);
            _isReported = true;
        }
    }

    public void Dispose() => Stop();

    private FileSystemWatcher Start()
    {
        var watcher = new FileSystemWatcher(folder.Path) { NotifyFilter = NotifyFilters.FileName | NotifyFilters.Size | NotifyFilters.LastWrite };
        try
        {
            watcher.Created += (_, _) => hint();
            watcher.Renamed += (_, _) => hint();
            watcher.Error += (_, error) =>
            {
                _isBroken |= error.GetException() is not InternalBufferOverflowException; // Some were lost; the watch goes on.
                hint();
            };
            watcher.EnableRaisingEvents = true; // Fails when the system is out of watches.
            return watcher;
        }
        catch
        {
            watcher.Dispose();
            throw;
        }
    }

    private void Stop()
    {
        _watcher?.Dispose();
        _watcher = null;
    }
}
