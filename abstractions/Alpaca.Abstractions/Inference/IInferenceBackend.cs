namespace Alpaca.Abstractions;

/// <summary>An engine that runs a model: TorchSharp, ONNX Runtime, or a third party's.</summary>
public interface IInferenceBackend
{
    /// <summary>The name by which <c>Inference:Backend</c> and <c>--backend</c> choose it; compared without case.</summary>
    string Name { get; }

    /// <summary>Whether a folder holds a model in the form this backend runs, as far as the names of its files tell; nothing is read. The default is <see langword="false"/>: it cannot tell.</summary>
    /// <param name="modelFolder">Any folder.</param>
    bool CanLoad(string modelFolder) => false;

    /// <summary>Loads a model.</summary>
    /// <param name="modelFolder">The folder of a model in the form this backend runs.</param>
    /// <param name="options">Device, threads, context length, adapters.</param>
    /// <param name="cancellationToken">Ends the loading early.</param>
    /// <returns>The loaded model, owned by the caller.</returns>
    /// <exception cref="AlpacaException">The folder does not hold a model this backend runs; the message says which stage makes one.</exception>
    Task<ITextGenerator> LoadAsync(string modelFolder, InferenceOptions options, CancellationToken cancellationToken = default);
}
