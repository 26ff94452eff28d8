using Alpaca.Abstractions;
using Alpaca.Formats;
using Alpaca.Text;

namespace Alpaca.Inference.Onnx;

/// <summary>Runs ONNX model folders with ONNX Runtime, on the CPU or, where it was built for it, with CUDA.</summary>
public sealed class OnnxBackend : IInferenceBackend
{
    /// <inheritdoc />
    public string Name => "Onnx";

    /// <inheritdoc />
    public bool CanLoad(string modelFolder) => File.Exists(Path.Combine(modelFolder, OnnxFiles.Model));

    /// <inheritdoc />
    public async Task<ITextGenerator> LoadAsync(string modelFolder, InferenceOptions options, CancellationToken cancellationToken = default)
    {
        ArgumentException.ThrowIfNullOrEmpty(modelFolder);
        ArgumentNullException.ThrowIfNull(options);
        var device = CheckOptions(options);
        cancellationToken.ThrowIfCancellationRequested();
        return await BatchedTextGenerator.StartAsync(() => Load(modelFolder, device, options, cancellationToken), options.ReusePrefixes).ConfigureAwait(false);
    }

    private static OnnxDecoder Load(string folder, OnnxDevice device, InferenceOptions options, CancellationToken cancellationToken)
    {
        var modelFile = CheckFolder(folder);
        var config = LlamaConfig.Load(folder);
        var context = ContextLength(folder, config, options);
        var slots = options.MaxConcurrency + 1; // the last one is for texts to score or embed, and for moving others
        var session = OnnxSession.Open(modelFile, device, options.Threads, cancellationToken);
        IReadOnlyList<OnnxAdapter> adapters = [];
        try
        {
            var signature = DecoderSignature.Read(session, modelFile);
            adapters = OnnxAdapterReader.Read(options.Adapters, modelFile, config, signature);
            return new OnnxDecoder(session, signature, config.HiddenSize, context, slots, adapters, device.Cuda is { } number ? (parts, bytes) => new DeviceCacheMemory(session, number, parts, bytes) : null);
        }
        catch (Exception e)
        {
            foreach (var adapter in adapters) adapter.Dispose();
            session.Dispose();
            if (e is not OutOfMemoryException) throw;
            throw new AlpacaException($"There is no memory for the keys and values of {slots} sequences of {context} tokens; lower the context length or the number of sequences at a time (MaxConcurrency).", e);
        }
    }

    private static OnnxDevice CheckOptions(InferenceOptions options)
    {
        var problems = new List<string>();
        OnnxDevice device = default;
        try
        {
            device = OnnxDevice.Parse(options.Device);
        }
        catch (AlpacaUsageException e)
        {
            problems.Add(e.Message.TrimEnd('.'));
        }

        if (options.Precision != Precision.Fp32)
            problems.Add($"The Onnx backend runs models in the precision they were exported with; leave the precision at fp32 instead of {options.Precision.ToString().ToLowerInvariant()}");
        if (options.Threads < 0) problems.Add($"Threads must be 0 or more, not {options.Threads}");
        if (options.MaxConcurrency < 1) problems.Add($"MaxConcurrency must be 1 or more, not {options.MaxConcurrency}");
        problems.AddRange(AdapterSource.ProblemsOfNames(options.Adapters));
        return problems.Count == 0 ? device : throw new AlpacaUsageException(string.Join("; ", problems) + ".");
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

    private static int ContextLength(string folder, LlamaConfig config, InferenceOptions options)
    {
        var limit = config.MaxPositionEmbeddings;
        if (options.ContextLength < 0 || options.ContextLength > limit)
            throw new AlpacaUsageException($"The context length must be from 1 to {limit}, the limit of {folder}, or 0 for that limit; it is {options.ContextLength}.");
        return options.ContextLength == 0 ? limit : options.ContextLength;
    }
}
