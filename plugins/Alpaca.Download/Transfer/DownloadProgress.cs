using Alpaca.Abstractions;

namespace Alpaca.Download;

/// <summary>A line for each file and, where several sizes are known beforehand, one for all of them.</summary>
internal sealed class DownloadProgress : IDisposable
{
    private readonly IStageProgress _progress;
    private readonly IProgressTask? _all;
    private readonly Lock _lock = new();
    private long _done;

    /// <param name="progress">Where the lines are shown.</param>
    /// <param name="total">The size of all files whose size is known, finished ones too; <see langword="null"/> for no line over all files.</param>
    /// <param name="done">How much of that was there before.</param>
    public DownloadProgress(IStageProgress progress, long? total = null, long done = 0)
    {
        (_progress, _done) = (progress, done);
        if (total is null) return;
        _all = progress.Start("all files", total, ProgressUnit.Bytes);
        _all.Report(done);
    }

    /// <summary>Starts a file's line.</summary>
    /// <param name="name">The file.</param>
    /// <param name="size">Its size; a file whose size is not known beforehand does not count in the line over all files.</param>
    public FileProgress StartFile(string name, long? size) => new(_progress.Start(name, size, ProgressUnit.Bytes), size is null ? null : Add);

    public void Dispose() => _all?.Dispose();

    private void Add(long bytes)
    {
        lock (_lock) _all?.Report(_done += bytes);
    }
}

/// <summary>A file's line. What was there at its first report counts as done before.</summary>
internal sealed class FileProgress(IProgressTask task, Action<long>? addToAll) : IDisposable
{
    private long? _done;

    public void SetTotal(long total) => task.SetTotal(total);

    public void Report(long done)
    {
        task.Report(done);
        if (_done is { } before) addToAll?.Invoke(done - before);
        _done = done;
    }

    public void Dispose() => task.Dispose();
}
