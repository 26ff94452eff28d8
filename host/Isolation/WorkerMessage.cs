using System.Text.Json.Nodes;
using System.Text.Json.Serialization;
using Alpaca.Abstractions;
using Microsoft.Extensions.Logging;

namespace Alpaca.Host;

/// <summary>A line on a stage worker's standard output.</summary>
[JsonPolymorphic(TypeDiscriminatorPropertyName = "is")]
[JsonDerivedType(typeof(TaskStarted), "task")]
[JsonDerivedType(typeof(TaskChanged), "progress")]
[JsonDerivedType(typeof(TaskEnded), "taskEnd")]
[JsonDerivedType(typeof(LogWritten), "log")]
[JsonDerivedType(typeof(StageMade), "made")]
[JsonDerivedType(typeof(StageFaulted), "fault")]
[JsonDerivedType(typeof(StageCancelled), "cancelled")]
internal abstract record WorkerMessage;

/// <summary>A piece of work has begun.</summary>
internal sealed record TaskStarted(int Task, string Description, double? Total, ProgressUnit Unit) : WorkerMessage;

/// <summary>What has changed about a piece of work; <see langword="null"/> for what has not.</summary>
internal sealed record TaskChanged(int Task, double? Done, double? Total, string? Status) : WorkerMessage;

/// <summary>A piece of work has ended.</summary>
internal sealed record TaskEnded(int Task) : WorkerMessage;

/// <summary>Something was logged.</summary>
internal sealed record LogWritten(LogLevel Level, string Category, int EventId, string Message, string? Exception) : WorkerMessage;

/// <summary>The stage has succeeded.</summary>
internal sealed record StageMade(JsonObject Properties, Dictionary<string, double> Metrics) : WorkerMessage;

/// <summary>The stage has failed.</summary>
/// <param name="Kind">What kind of exception it was.</param>
/// <param name="Message">Its message; for a defect with its type.</param>
/// <param name="Details">The exception with its stack trace.</param>
/// <param name="IsTransient"><see cref="AlpacaException.IsTransient"/>.</param>
internal sealed record StageFaulted(StageFaultKind Kind, string Message, string Details, bool IsTransient) : WorkerMessage;

/// <summary>The stage has stopped because it was cancelled.</summary>
internal sealed record StageCancelled : WorkerMessage;

/// <summary>The exceptions that are told apart.</summary>
internal enum StageFaultKind
{
    /// <summary>A defect.</summary>
    Defect,

    /// <summary>An <see cref="AlpacaException"/>.</summary>
    Failure,

    /// <summary>An <see cref="AlpacaUsageException"/>.</summary>
    Usage,

    /// <summary>An <see cref="IOException"/>.</summary>
    InputOutput,

    /// <summary>An <see cref="UnauthorizedAccessException"/>.</summary>
    AccessDenied,
}
