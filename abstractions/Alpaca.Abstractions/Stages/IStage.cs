namespace Alpaca.Abstractions;

/// <summary>One step of a pipeline: turns a request into an artifact.</summary>
/// <typeparam name="TRequest">Plain data with a parameterless constructor that survives JSON; its public properties are the stage's options.</typeparam>
/// <typeparam name="TArtifact">What the stage makes.</typeparam>
/// <remarks>
/// <para>A stage validates its request before it writes the first byte and reports every problem it can find in one <see cref="AlpacaException"/>.</para>
/// <para>It writes only below <see cref="StageContext.OutputFolder"/> and <see cref="StageContext.ResumeFolder"/>. The host publishes the output folder when the
/// task ends well and removes it otherwise, so a stage need not clean up.</para>
/// <para>Instances are used for one execution at a time. Numerics run synchronously on the calling thread.</para>
/// </remarks>
public interface IStage<in TRequest, TArtifact>
    where TRequest : class, new()
    where TArtifact : Artifact
{
    /// <summary>Runs the stage.</summary>
    /// <param name="request">The options, already checked against their validation attributes.</param>
    /// <param name="context">Where to write and whom to tell.</param>
    /// <param name="cancellationToken">Ends the stage early; what is in <see cref="StageContext.ResumeFolder"/> is kept for the next attempt.</param>
    /// <returns>What was made.</returns>
    /// <exception cref="AlpacaException">The input cannot be used; the message says why and what to do.</exception>
    Task<TArtifact> ExecuteAsync(TRequest request, StageContext context, CancellationToken cancellationToken = default);
}

/// <summary>Fetches original checkpoints.</summary>
public interface IDownloader : IStage<DownloadRequest, WeightsArtifact>;

/// <summary>Turns original checkpoints into a Hugging Face model folder.</summary>
public interface ICheckpointConverter : IStage<ConvertRequest, ModelArtifact>;

/// <summary>Adds the pieces of one SentencePiece model to another.</summary>
public interface ITokenizerMerger : IStage<MergeTokenizersRequest, TokenizerArtifact>;

/// <summary>Trains a LoRA adapter on instruction data.</summary>
public interface ITrainer : IStage<TrainRequest, AdapterArtifact>;

/// <summary>Trains a LoRA adapter on plain text.</summary>
public interface IPretrainer : IStage<PretrainRequest, AdapterArtifact>;

/// <summary>Merges LoRA adapters into their base model.</summary>
public interface IAdapterMerger : IStage<MergeRequest, ModelArtifact>;

/// <summary>Writes a model in the form an inference engine loads.</summary>
public interface IModelExporter : IStage<ExportRequest, OnnxArtifact>;

/// <summary>Measures a model on held-out data.</summary>
public interface IEvaluator : IStage<EvaluateRequest, EvaluationArtifact>;
