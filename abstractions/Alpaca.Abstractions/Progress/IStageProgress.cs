namespace Alpaca.Abstractions;

/// <summary>Where a stage tells how far it is. Safe to use from several threads.</summary>
public interface IStageProgress
{
    /// <summary>Starts a piece of work that is shown on its own line; dispose it when the work ends.</summary>
    /// <param name="description">What is being done, short: <c>consolidated.00.pth</c>, <c>training</c>.</param>
    /// <param name="total">How much there is to do, or <see langword="null"/> when unknown.</param>
    /// <param name="unit">What is counted.</param>
    IProgressTask Start(string description, double? total, ProgressUnit unit);
}

/// <summary>One piece of work in progress.</summary>
public interface IProgressTask : IDisposable
{
    /// <summary>Sets how much is done.</summary>
    /// <param name="done">From 0 to the total.</param>
    void Report(double done);

    /// <summary>Sets how much there is to do, once that is known.</summary>
    /// <param name="total">The new total.</param>
    void SetTotal(double total);

    /// <summary>Sets a short text shown after the bar, for example <c>loss 1.23</c>.</summary>
    /// <param name="status">The text.</param>
    void SetStatus(string status);
}

/// <summary>What a progress task counts; decides how amounts and rates are written.</summary>
public enum ProgressUnit
{
    /// <summary>Bytes, shown as MB and MB/s.</summary>
    Bytes,

    /// <summary>Optimizer steps.</summary>
    Steps,

    /// <summary>Tensors.</summary>
    Tensors,

    /// <summary>Anything else that can be counted.</summary>
    Items,
}

/// <summary>A progress that nobody watches.</summary>
public sealed class NullProgress : IStageProgress, IProgressTask
{
    /// <summary>The only instance.</summary>
    public static NullProgress Instance { get; } = new();

    private NullProgress() { }

    /// <inheritdoc />
    public IProgressTask Start(string description, double? total, ProgressUnit unit) => this;

    /// <inheritdoc />
    public void Report(double done) { }

    /// <inheritdoc />
    public void SetTotal(double total) { }

    /// <inheritdoc />
    public void SetStatus(string status) { }

    /// <inheritdoc />
    public void Dispose() { }
}
