using System.Diagnostics;
using System.Globalization;
using Alpaca.Abstractions;

namespace Alpaca.Host;

/// <summary>The configuration section <c>Isolation</c>: how the stages run that <c>serve</c> starts.</summary>
public sealed record IsolationSettings
{
    private static readonly ProcessPriorityClass[] Priorities = [ProcessPriorityClass.Normal, ProcessPriorityClass.BelowNormal, ProcessPriorityClass.Idle];

    private static readonly (string Unit, double Bytes)[] Units =
        [("KiB", 1L << 10), ("MiB", 1L << 20), ("GiB", 1L << 30), ("TiB", 1L << 40), ("KB", 1e3), ("MB", 1e6), ("GB", 1e9), ("TB", 1e12), ("B", 1)];

    /// <summary>Whether each stage runs in a process of its own. The default is <see langword="true"/>.</summary>
    public bool Enabled { get; init; } = true;

    /// <summary>The priority of that process: <c>Normal</c>, <c>BelowNormal</c> or <c>Idle</c>. The default is <see cref="ProcessPriorityClass.BelowNormal"/>.</summary>
    public ProcessPriorityClass Priority { get; init; } = ProcessPriorityClass.BelowNormal;

    /// <summary>Memory in bytes, files in the page cache not counted, above which a stage is ended. The default is <see langword="null"/>: as much as there is.</summary>
    public long? MemoryLimit { get; init; }

    /// <summary>How long a stage that is cancelled may take to write its checkpoint before it is ended, at least 1 s. The default is 60 s.</summary>
    public TimeSpan StopTime { get; init; } = TimeSpan.FromSeconds(60);

    /// <summary>Reads the section.</summary>
    /// <exception cref="AlpacaUsageException">A value cannot be used; one line for each.</exception>
    public static IsolationSettings Read(AlpacaSettings settings)
    {
        ArgumentNullException.ThrowIfNull(settings);
        var section = new SectionReader(settings, "Isolation");
        var defaults = new IsolationSettings();
        return section.Checked(new IsolationSettings
        {
            Enabled = section.Flag("Enabled", defaults.Enabled),
            Priority = section.Value("Priority", $"one of {string.Join(", ", Priorities)}", PriorityOf) ?? defaults.Priority,
            MemoryLimit = section.Value("MemoryLimit", "a size such as 8GB or 512MiB", BytesOf),
            StopTime = section.Seconds("StopSeconds", defaults.StopTime, 1, 86400),
        });
    }

    private static ProcessPriorityClass? PriorityOf(string text)
        => Array.FindIndex(Priorities, p => p.ToString().Equals(text, StringComparison.OrdinalIgnoreCase)) is >= 0 and var index ? Priorities[index] : null;

    private static long? BytesOf(string text)
    {
        var (unit, bytes) = Array.Find(Units, u => text.EndsWith(u.Unit, StringComparison.OrdinalIgnoreCase));
        var number = text[..^(unit?.Length ?? 0)].TrimEnd();
        return double.TryParse(number, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var amount) && amount * (unit is null ? 1 : bytes) is >= 1 and < long.MaxValue and var size
            ? (long)size
            : null;
    }
}
