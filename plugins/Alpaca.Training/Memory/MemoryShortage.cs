using System.Globalization;
using Alpaca.Abstractions;
using Microsoft.Extensions.Logging;
using static TorchSharp.torch;

namespace Alpaca.Training;

/// <summary>What is said when training needs more memory than there is, before or after it is tried.</summary>
/// <param name="estimate">What training takes.</param>
/// <param name="request">The options, of which some could be changed for less.</param>
/// <param name="hasNewRows">Whether the tokenizer adds rows to the model.</param>
/// <param name="device">Where it trains.</param>
internal sealed class MemoryShortage(MemoryEstimate estimate, TrainingRequest request, bool hasNewRows, Device device)
{
    private readonly string _advice = Advice(request, hasNewRows);

    /// <summary>Logs the estimate, and warns if it is more than there is.</summary>
    public void Announce(ILogger logger)
    {
        var available = AvailableMemory.On(device);
        logger.LogInformation("Memory needed, estimated: {Estimate}; available on {Device}: {Available}", estimate, device, available is { } free ? Gigabytes(free) : "unknown");
        if (estimate.Total > available)
            logger.LogWarning("Training needs about {Needed} and {Device} has {Available} left: {Advice}", Gigabytes(estimate.Total), device, Gigabytes(available.Value), _advice);
    }

    /// <summary>Whether a failure is libtorch's or the runtime's for want of memory; libtorch's exceptions differ in text only.</summary>
    public static bool IsCauseOf(Exception failure)
        => failure is OutOfMemoryException
        || failure.Message.Contains("can't allocate memory", StringComparison.Ordinal)
        || failure.Message.Contains("not enough memory", StringComparison.Ordinal)
        || failure.Message.Contains("out of memory", StringComparison.OrdinalIgnoreCase);

    /// <summary>The error to end with.</summary>
    public AlpacaException ToException(Exception failure)
        => new($"There is not enough memory on {device} for training, which needs about {estimate}: {_advice}; the last checkpoint is left as it is.", failure);

    // What helps most at the least cost first; without what is done already.
    private static string Advice(TrainingRequest request, bool hasNewRows)
    {
        List<string> steps = [];
        var length = request is TrainRequest ? $" or {nameof(TrainRequest.MaxSeqLength)}" : "";
        if (request.BatchSize > 1 || length.Length > 0) steps.Add($"lower {(request.BatchSize > 1 ? nameof(request.BatchSize) + length : nameof(TrainRequest.MaxSeqLength))}");
        if (request.ActivationCheckpointing == ActivationCheckpointing.None) steps.Add($"set {nameof(request.ActivationCheckpointing)} to block");
        if (request.LossChunk is 0 or > 64) steps.Add($"lower {nameof(request.LossChunk)} to 64");
        if (request.Precision == Precision.Fp32) steps.Add($"set {nameof(request.Precision)} to bf16");
        if (hasNewRows && request.TrainableRows == TrainableRows.All && request.ModulesToSave.Count > 0) steps.Add($"set {nameof(request.TrainableRows)} to new");
        if (steps.Count == 0) steps.Add("take a smaller model or a machine with more memory");
        return string.Join(", then ", steps);
    }

    private static string Gigabytes(long bytes) => string.Create(CultureInfo.InvariantCulture, $"{bytes / (double)(1L << 30):0.00} GiB");
}
