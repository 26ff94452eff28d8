using Alpaca.Abstractions;
using static TorchSharp.torch;

namespace Alpaca.Llama;

/// <summary>How a model is put into memory.</summary>
public sealed record LlamaModelOptions
{
    /// <summary>Where the weights are and the numerics run. The default is the CPU.</summary>
    public Device Device { get; init; } = CPU;

    /// <summary>The type the weights are kept and multiplied in; norms and softmax accumulate in float32 regardless. The default is float32.</summary>
    public ScalarType WeightType { get; init; } = ScalarType.Float32;

    /// <summary>The type of <c>embed_tokens</c> and <c>lm_head</c>, for training that keeps them in float32 over a 16-bit base. The default is <see cref="WeightType"/>.</summary>
    public ScalarType? EmbeddingType { get; init; }

    /// <summary>Makes the seven projections of each layer. The default is <see cref="Projection"/>.</summary>
    public ProjectionFactory? ProjectionFactory { get; init; }

    /// <summary>
    /// Rows of <c>embed_tokens</c> and <c>lm_head</c>, where the file has fewer: the new ones are drawn as <see cref="NewRowInit"/> says. A smaller number changes
    /// nothing. The default is none: as many as the file has.
    /// </summary>
    public int? VocabularySize { get; init; }

    /// <summary>Whether <see cref="FusedKernels"/> are used where this libtorch has them. The default is <see langword="true"/>.</summary>
    public bool UseFusedKernels { get; init; } = true;

    /// <summary>How new rows start. The default is <see cref="NewRowInit.Normal"/>.</summary>
    public NewRowInit NewRowInit { get; init; } = NewRowInit.Normal;

    /// <summary>
    /// Whether new rows are parameters of their own in float32 (<see cref="LlamaModel.AddedEmbedTokens"/>, <see cref="LlamaModel.AddedLmHead"/>, <c>added_rows</c> in the state dictionary), so
    /// that they can be trained and the others not. The default is <see langword="false"/>.
    /// </summary>
    public bool SeparateAddedRows { get; init; }

    /// <summary>Seed of the new rows. The default is 0.</summary>
    public int Seed { get; init; }
}
