using Alpaca.Abstractions;
using Alpaca.Formats;
using Alpaca.Llama;
using Alpaca.Text;
using static TorchSharp.torch;

namespace Alpaca.Inference.Torch;

/// <summary>Runs Hugging Face model folders with TorchSharp, on the CPU or a CUDA device, in float32, bfloat16 or float16.</summary>
/// <remarks>Weights are read from the files piece by piece, so loading takes the memory of the weights and little more.</remarks>
public sealed class TorchBackend : IInferenceBackend
{
    /// <inheritdoc />
    public string Name => "Torch";

    /// <inheritdoc />
    public bool CanLoad(string modelFolder) => File.Exists(Path.Combine(modelFolder, "config.json")) && !HoldsOnnx(modelFolder);

    /// <inheritdoc />
    public async Task<ITextGenerator> LoadAsync(string modelFolder, InferenceOptions options, CancellationToken cancellationToken = default)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(modelFolder);
        ArgumentNullException.ThrowIfNull(options);
        cancellationToken.ThrowIfCancellationRequested();
        return await BatchedTextGenerator.StartAsync(() => Load(modelFolder, options, cancellationToken), options.ReusePrefixes).ConfigureAwait(false);
    }

    private static TorchDecoder Load(string modelFolder, InferenceOptions options, CancellationToken cancellationToken)
    {
        var (device, weightType) = Check(options);
        if (HoldsOnnx(modelFolder))
            throw new AlpacaException($"{modelFolder} holds an ONNX model, which the Torch backend does not run; give it the Hugging Face folder that the stage convert or merge made, or use the Onnx backend.");

        using var files = HuggingFaceModel.Open(modelFolder);
        var limit = files.Config.MaxPositionEmbeddings;
        if (options.ContextLength > limit)
            throw new AlpacaUsageException($"ContextLength is {options.ContextLength}, but {modelFolder} was made for at most {limit} positions (max_position_embeddings in config.json); use 0 or a smaller number.");

        // One setting for the whole process, as libtorch has it; on this thread it takes effect at once.
        if (options.Threads > 0) set_num_threads(options.Threads);
        var adapters = TorchAdapters.Load(options.Adapters, files.Config, weightType, device);
        LlamaModel? model = null;
        try
        {
            model = LlamaModel.Load(
                files,
                new LlamaModelOptions { Device = device, WeightType = weightType, ProjectionFactory = adapters.ProjectionFactory },
                NullProgress.Instance.WithCancellation(cancellationToken));
            return new TorchDecoder(model, adapters, options.ContextLength == 0 ? limit : options.ContextLength, options.MaxConcurrency + 1);
        }
        catch
        {
            model?.Dispose();
            adapters.Dispose();
            throw;
        }
    }

    private static bool HoldsOnnx(string modelFolder) => File.Exists(Path.Combine(modelFolder, "model.onnx"));

    private static (Device Device, ScalarType WeightType) Check(InferenceOptions options)
    {
        var problems = new List<string>();
        if (options.Threads < 0) problems.Add($"Threads is {options.Threads}; use 0 for as many as the machine has cores, or a positive number.");
        if (options.ContextLength < 0) problems.Add($"ContextLength is {options.ContextLength}; use 0 for the model's own limit, or a positive number.");
        if (options.MaxConcurrency < 1) problems.Add($"MaxConcurrency is {options.MaxConcurrency}; use 1 or more.");
        problems.AddRange(AdapterSource.ProblemsOfNames(options.Adapters).Select(problem => problem + "."));
        var device = Try(() => TorchDevice.Parse(options.Device)) ?? CPU;
        var weightType = Try(() => (ScalarType?)TorchDevice.ScalarTypeOf(options.Precision)) ?? ScalarType.Float32;
        return problems.Count == 0 ? (device, weightType) : throw new AlpacaUsageException(string.Join(Environment.NewLine, problems));

        T? Try<T>(Func<T> read)
        {
            try
            {
                return read();
            }
            catch (AlpacaUsageException e)
            {
                problems.Add(e.Message);
                return default;
            }
        }
    }
}
