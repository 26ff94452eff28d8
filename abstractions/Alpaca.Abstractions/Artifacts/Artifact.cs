using System.Text.Json.Serialization;

namespace Alpaca.Abstractions;

/// <summary>What a stage made: a kind, its measurements, and by convention a folder of files.</summary>
/// <remarks>
/// Plain data that survives JSON; the files are in <see cref="StageContext.OutputFolder"/> and the host decides where that folder ends up. It never holds a path.
/// </remarks>
public abstract record Artifact
{
    /// <summary>The kind of artifact, one of <see cref="ArtifactKinds"/> or a third party's own; it is also the folder name under <c>artifacts/</c>.</summary>
    [JsonIgnore]
    public abstract string Kind { get; }

    /// <summary>Figures worth keeping in the run record, by name in camelCase (<c>evalLoss</c>, <c>tensors</c>, <c>megabytesPerSecond</c>).</summary>
    public IReadOnlyDictionary<string, double> Metrics { get; init; } = new Dictionary<string, double>();
}

/// <summary>The artifact kinds of the built-in stages.</summary>
public static class ArtifactKinds
{
    /// <summary>Original checkpoints as Meta ships them: <c>tokenizer.model</c> beside one folder per size with <c>consolidated.NN.pth</c> and <c>params.json</c>.</summary>
    public const string Weights = "weights";

    /// <summary>A Hugging Face model folder: <c>config.json</c>, safetensors, tokenizer files.</summary>
    public const string Model = "model";

    /// <summary>A Hugging Face tokenizer folder with <c>tokenizer.model</c>.</summary>
    public const string Tokenizer = "tokenizer";

    /// <summary>A LoRA adapter in PEFT's format with its tokenizer files.</summary>
    public const string Adapter = "adapter";

    /// <summary>An ONNX model with KV cache, its external data, configuration and tokenizer files.</summary>
    public const string Onnx = "onnx";

    /// <summary>The figures of an evaluation.</summary>
    public const string Evaluation = "evaluation";
}

/// <summary>Original checkpoints of one or more sizes.</summary>
public sealed record WeightsArtifact : Artifact
{
    /// <inheritdoc />
    public override string Kind => ArtifactKinds.Weights;

    /// <summary>The size folders present, for example <c>7B</c>.</summary>
    public IReadOnlyList<string> ModelSizes { get; init; } = [];
}

/// <summary>A model folder, in Hugging Face layout unless <see cref="Format"/> says otherwise.</summary>
public sealed record ModelArtifact : Artifact
{
    /// <inheritdoc />
    public override string Kind => ArtifactKinds.Model;

    /// <summary>The layout of the folder. The default is <see cref="ModelFormat.HuggingFace"/>.</summary>
    public ModelFormat Format { get; init; }

    /// <summary>The number of parameters.</summary>
    public long Parameters { get; init; }

    /// <summary>The rows of the embedding.</summary>
    public int VocabularySize { get; init; }
}

/// <summary>The layouts in which a model can be written.</summary>
public enum ModelFormat
{
    /// <summary>Hugging Face folder with safetensors.</summary>
    HuggingFace,

    /// <summary>Meta's original layout: <c>consolidated.NN.pth</c> and <c>params.json</c>.</summary>
    Pth,
}

/// <summary>A tokenizer folder.</summary>
public sealed record TokenizerArtifact : Artifact
{
    /// <inheritdoc />
    public override string Kind => ArtifactKinds.Tokenizer;

    /// <summary>The number of pieces.</summary>
    public int VocabularySize { get; init; }

    /// <summary>How many pieces were added to the base vocabulary.</summary>
    public int AddedPieces { get; init; }

    /// <summary>How many of the added pieces text never becomes, because no sequence of merges leads to them.</summary>
    public int UnreachablePieces { get; init; }
}

/// <summary>A LoRA adapter.</summary>
public sealed record AdapterArtifact : Artifact
{
    /// <inheritdoc />
    public override string Kind => ArtifactKinds.Adapter;

    /// <summary>The LoRA rank r.</summary>
    public int Rank { get; init; }

    /// <summary>Optimizer steps taken.</summary>
    public int Steps { get; init; }

    /// <summary>Parameters that were trained.</summary>
    public long TrainableParameters { get; init; }
}

/// <summary>An ONNX model folder.</summary>
public sealed record OnnxArtifact : Artifact
{
    /// <inheritdoc />
    public override string Kind => ArtifactKinds.Onnx;

    /// <summary>The element type of the weights in the graph.</summary>
    public Precision Precision { get; init; }
}

/// <summary>The result of an evaluation; the figures are in <see cref="Artifact.Metrics"/>.</summary>
public sealed record EvaluationArtifact : Artifact
{
    /// <inheritdoc />
    public override string Kind => ArtifactKinds.Evaluation;
}
