using Alpaca.Abstractions;
using Microsoft.ML.OnnxRuntime;

namespace Alpaca.Inference.Onnx;

/// <summary>Opens models with ONNX Runtime.</summary>
internal static class OnnxSession
{
    // Mappings are looked for and replaced in the whole process; meanwhile nobody else may load or fail to load the same model.
    private static readonly Lock Loading = new();

    /// <summary>Loads a model.</summary>
    /// <param name="modelFile">The graph.</param>
    /// <param name="device">Where it runs.</param>
    /// <param name="threads">Threads; 0 for as many as there are cores.</param>
    /// <param name="cancellationToken">Ends the loading early.</param>
    /// <exception cref="AlpacaException">ONNX Runtime refuses the model.</exception>
    public static InferenceSession Open(string modelFile, OnnxDevice device, int threads, CancellationToken cancellationToken)
    {
        using var options = new SessionOptions
        {
            // Container limits count: ONNX Runtime's own default looks at the whole machine.
            IntraOpNumThreads = threads > 0 ? threads : Environment.ProcessorCount,
            LogSeverityLevel = OrtLoggingLevel.ORT_LOGGING_LEVEL_ERROR,

            // A plan is kept for every combination of sizes that was ever seen, and there is no end to those.
            EnableMemoryPattern = false,
        };

        // Worker threads spin between the operators of a step, which decoding needs, but sleep as soon as no step runs.
        options.AddSessionConfigEntry("session.force_spinning_stop", "1");
        using var cancellation = cancellationToken.Register(() => options.SetLoadCancellationFlag(true));
        try
        {
            if (device.Cuda is { } number) options.AppendExecutionProvider_CUDA(number);
            var open = device.Cuda is null ? Int4Session.Prepare(modelFile, options, cancellationToken) : null;
            lock (Loading)
            {
                var session = open is null ? new InferenceSession(modelFile, options) : open();
                MappedFiles.Detach(modelFile);
                return session;
            }
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
