namespace Alpaca.Formats;

/// <summary>Whether an adapter can be used beside a model, unmerged. What is wrong is said in a clause without a full stop.</summary>
public static class AdapterFit
{
    /// <summary>What keeps the matrices of an adapter from being used beside a layer.</summary>
    /// <param name="module">The layer's module name: <c>model.layers.0.self_attn.q_proj</c>.</param>
    /// <param name="pair">The matrices.</param>
    /// <param name="layer">The layer's dimensions; <see langword="null"/> where the model has no such layer, or none that takes an adapter.</param>
    /// <returns><see langword="null"/> where nothing does.</returns>
    public static string? FindObstacle(string module, LoraPair pair, (long Out, long In)? layer)
    {
        ArgumentNullException.ThrowIfNull(pair);
        if (layer is not { } shape) return $"the model takes no adapter of {module}";
        return (pair.B.Shape[0], pair.A.Shape[1]) == shape ? null : $"{module} is [{pair.B.Shape[0]}, {pair.A.Shape[1]}] in the adapter and [{shape.Out}, {shape.In}] in the model";
    }

    /// <summary>What keeps a module that the adapter has saved whole from being used in the place of the model's.</summary>
    /// <param name="name">The name of the model's tensor: <c>model.embed_tokens.weight</c>.</param>
    /// <param name="saved">The module.</param>
    /// <param name="model">The model.</param>
    /// <param name="takesOtherVocabulary">Whether it may have more or fewer rows than the model's.</param>
    /// <returns><see langword="null"/> where nothing does.</returns>
    public static string? FindObstacle(string name, TensorInfo saved, LlamaConfig model, bool takesOtherVocabulary)
    {
        ArgumentNullException.ThrowIfNull(saved);
        ArgumentNullException.ThrowIfNull(model);
        if (name is not (LlamaTensorNames.EmbedTokens or LlamaTensorNames.LmHead)) return $"it brings {name}, which only a merge can replace";
        var fits = saved.Shape[1] == model.HiddenSize && (takesOtherVocabulary || saved.Shape[0] == model.VocabSize);
        return fits ? null : $"its {name} is [{saved.Shape[0]}, {saved.Shape[1]}] and the model's [{model.VocabSize}, {model.HiddenSize}]";
    }
}
