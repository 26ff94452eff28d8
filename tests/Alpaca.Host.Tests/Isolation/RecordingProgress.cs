using System.Globalization;
using Alpaca.Abstractions;

namespace Alpaca.Host.Tests;

/// <summary>Keeps what is reported.</summary>
internal sealed class RecordingProgress : IStageProgress, IProgressTask
{
    private readonly List<string> _events = [];

    public IReadOnlyList<string> Events
    {
        get
        {
            lock (_events) return [.. _events];
        }
    }

    public IProgressTask Start(string description, double? total, ProgressUnit unit)
    {
        Add($"start {description} {total} {unit}");
        return this;
    }

    public void Report(double done) => Add(string.Create(CultureInfo.InvariantCulture, $"done {done}"));

    public void SetTotal(double total) => Add(string.Create(CultureInfo.InvariantCulture, $"total {total}"));

    public void SetStatus(string status) => Add($"status {status}");

    public void Dispose() => Add("end");

    private void Add(string what)
    {
        lock (_events) _events.Add(what);
    }
}
