using System.ComponentModel.DataAnnotations;
using Alpaca.Abstractions;

namespace Acme.Mishaps;

/// <summary>What a stage does.</summary>
public enum Mishap
{
    /// <summary>It succeeds.</summary>
    None,

    /// <summary>Native code calls abort().</summary>
    Abort,

    /// <summary>It ends its process with code 3.</summary>
    Exit,

    /// <summary>It takes 2 GB of native memory and keeps it.</summary>
    Memory,

    /// <summary>It waits until it is cancelled, and then writes a checkpoint.</summary>
    Wait,

    /// <summary>It goes on whatever happens.</summary>
    Stubborn,

    /// <summary>A thread of its own throws.</summary>
    ThreadThrows,

    /// <summary>It is ended by SIGKILL.</summary>
    Killed,

    /// <summary>It reports an error that may pass.</summary>
    TransientError,

    /// <summary>It meets an error of the file system.</summary>
    FileError,

    /// <summary>It meets a defect of its own.</summary>
    Defect,
}

/// <summary>Options of the stage <c>acme-mishap</c>: what is to happen, and one of each type.</summary>
public sealed record MishapRequest
{
    /// <summary>What it does.</summary>
    public Mishap Mishap { get; init; }

    /// <summary>Whether it first writes to standard output, in managed and in native code.</summary>
    public bool Garbage { get; init; }

    /// <summary>How often it reports progress.</summary>
    public int Reports { get; init; } = 1;

    /// <summary>A text.</summary>
    public string Text { get; init; } = "none";

    /// <summary>A text or none.</summary>
    public string? Maybe { get; init; } = "something";

    /// <summary>A file.</summary>
    [PathInput]
    public string? File { get; init; }

    /// <summary>Texts, commas included.</summary>
    public IReadOnlyList<string> Texts { get; init; } = ["default"];

    /// <summary>Whole numbers.</summary>
    public int[] Numbers { get; init; } = [1];

    /// <summary>Choices.</summary>
    public List<Mishap> Choices { get; init; } = [];

    /// <summary>A big number.</summary>
    public ulong Big { get; init; }

    /// <summary>A small number.</summary>
    public byte Small { get; init; }

    /// <summary>A number or none.</summary>
    public long? Count { get; init; } = 7;

    /// <summary>A real number.</summary>
    public double Real { get; init; }

    /// <summary>A short real number.</summary>
    public float Single { get; init; }

    /// <summary>An exact number.</summary>
    public decimal Exact { get; init; }

    /// <summary>A time.</summary>
    public TimeSpan Time { get; init; }

    /// <summary>A choice or none.</summary>
    public Mishap? Choice { get; init; }

    /// <summary>How many seconds a stubborn stage goes on.</summary>
    [Range(0, 3600)]
    public double Seconds { get; init; } = 600;
}
