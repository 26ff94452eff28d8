using Alpaca.Abstractions;
using Alpaca.Formats;
using Microsoft.ML.OnnxRuntime;

namespace Alpaca.Inference.Onnx;

/// <summary>Runs ONNX model folders with ONNX Runtime on the CPU.</summary>
public sealed class OnnxBackend : IInferenceBackend
{
    /// <inheritdoc />
    public string Name => "Onnx";

    /// <inheritdoc />
    public Task<ITextGenerator> LoadAsync(string modelFolder, InferenceOptions options, CancellationToken cancellationToken = default)
    {
        ArgumentException.ThrowIfNullOrEmpty(modelFolder);
        ArgumentNullException.ThrowIfNull(options);
        CheckOptions(options);
        return Task.Run<ITextGenerator>(() => Load(modelFolder, options, cancellationToken), cancellationToken);
    }

    private static OnnxTextGenerator Load(string folder, InferenceOptions options, CancellationToken cancellationToken)
    {
        var modelFile = CheckFolder(folder);
        var context = ContextLength(folder, options);
        var session = OpenSession(modelFile, options.Threads, cancellationToken);
        try
        {
            return new OnnxTextGenerator(session, DecoderSignature.Read(session, modelFile), context);
        }
        catch
        {
            session.Dispose();
            throw;
        }
    }

    private static void CheckOptions(InferenceOptions options)
    {
        if (!string.Equals(options.Device, "cpu", StringComparison.OrdinalIgnoreCase))
            throw new AlpacaUsageException($"Device '{options.Device}' is not available to the Onnx backend, which runs on the cpu; set the device to cpu or use the Torch backend.");
        if (options.Precision != Precision.Fp32)
            throw new AlpacaUsageException($"The Onnx backend runs models in the precision they were exported with; leave the precision at fp32 instead of {options.Precision.ToString().ToLowerInvariant()}.");
        if (options.Threads < 0) throw new AlpacaUsageException($"Threads must be 0 or more, not {options.Threads}.");
    }

    /// <summary>Looks for everything that can be wrong with the files before ONNX Runtime does, whose messages are not written for users.</summary>
    private static string CheckFolder(string folder)
    {
        var modelFile = Path.Combine(folder, OnnxFiles.Model);
        if (!File.Exists(modelFile))
        {
            throw new AlpacaException(Directory.Exists(folder)
                ? $"{folder} holds no {OnnxFiles.Model}; run `alpaca stage export --model {folder} --output-dir <dir>` first and load that folder."
                : $"{folder} does not exist.");
        }

        OnnxTensorSource.Open(modelFile).Dispose();
        return modelFile;
    }

    private static int ContextLength(string folder, InferenceOptions options)
    {
        var limit = LlamaConfig.Load(folder).MaxPositionEmbeddings;
        if (options.ContextLength < 0 || options.ContextLength > limit)
            throw new AlpacaUsageException($"The context length must be from 1 to {limit}, the limit of {folder}, or 0 for that limit; it is {options.ContextLength}.");
        return options.ContextLength == 0 ? limit : options.ContextLength;
    }

    private static InferenceSession OpenSession(string modelFile, int threads, CancellationToken cancellationToken)
    {
        using var options = new SessionOptions
        {
            // Container limits count: ONNX Runtime's own default looks at the whole machine.
            IntraOpNumThreads = threads > 0 ? threads : Environment.ProcessorCount,
            LogSeverityLevel = OrtLoggingLevel.ORT_LOGGING_LEVEL_ERROR,
        };

        // Worker threads spin between the operators of a step, which decoding needs, but sleep as soon as no step runs.
        options.AddSessionConfigEntry("session.force_spinning_stop", "1");
        using var cancellation = cancellationToken.Register(() => options.SetLoadCancellationFlag(true));
        try
        {
            return new InferenceSession(modelFile, options);
        }
        catch (OnnxRuntimeException) when (cancellationToken.IsCancellationRequested)
        {
            throw new OperationCanceledException(cancellationToken);
        }
        catch (OnnxRuntimeException e)
        {
            throw new AlpacaException($"ONNX Runtime cannot load {modelFile} ({e.Message.Split('\n')[0]}); export the model again.", e);
        }
    }
}
