using System.Globalization;
using Alpaca.Abstractions;
using Alpaca.Formats;
using Alpaca.Llama;
using TorchSharp;

namespace Alpaca.Training;

/// <summary>The largest forward pass of a run.</summary>
/// <param name="Tokens">Its places, padding included.</param>
/// <param name="Scored">The places that are scored.</param>
internal readonly record struct LargestPass(long Tokens, long Scored)
{
    /// <summary>Finds it: the longest samples, as many as stand in a pass.</summary>
    public static LargestPass Of(TrainingRequest request, IReadOnlyList<TrainingRow> rows)
    {
        var longest = rows.OrderByDescending(row => row.Length).Take(request.BatchSize).ToList();
        var tokens = request.Packing ? longest.Sum(row => (long)row.Length) : (long)longest.Count * longest[0].Length;
        return new LargestPass(tokens, request.LabelOnlyLogits ? longest.Sum(row => (long)row.SupervisedTokens) : tokens);
    }
}

/// <summary>The memory that training takes at its peak, in bytes; a function of options, dimensions and data, made before anything is loaded.</summary>
/// <remarks>
/// Activations are counted operation by operation: what autograd keeps of a layer for its backward pass, and the gradients of one layer beside it. docs/benchmarks.md has it next to measured
/// peaks.
/// </remarks>
/// <param name="Frozen">Weights that are not trained, in the base's type.</param>
/// <param name="Trained">Trained values, their gradient and two moments in float32, and the gradient of one matrix trained in full before it is added.</param>
/// <param name="Activations">What is kept of the largest forward pass.</param>
/// <param name="Scores">Scores over the vocabulary, their logarithms and gradients.</param>
/// <param name="Process">The runtime and libtorch themselves; nothing on another device.</param>
internal sealed record MemoryEstimate(long Frozen, long Trained, long Activations, long Scores, long Process)
{
    private const int Float = sizeof(float);
    private const long ProcessBytes = 110L << 20;

    /// <summary>Everything together.</summary>
    public long Total => Frozen + Trained + Activations + Scores + Process;

    /// <summary>Estimates.</summary>
    /// <param name="request">The options.</param>
    /// <param name="model">The base model's dimensions.</param>
    /// <param name="vocabularySize">Rows of embedding and head in training.</param>
    /// <param name="settings">What is trained.</param>
    /// <param name="pass">The largest forward pass.</param>
    public static MemoryEstimate Of(TrainingRequest request, LlamaConfig model, int vocabularySize, LoraSettings settings, LargestPass pass)
    {
        var width = TorchDevice.ScalarTypeOf(request.Precision) == torch.ScalarType.Float32 ? 4 : 2;
        var (hidden, layers) = ((long)model.HiddenSize, (long)model.NumHiddenLayers);
        var lora = LlamaTensorNames.Describe(model).Select(tensor => (tensor, Module: tensor.Name[..^".weight".Length])).Where(t => settings.Adapts(t.Module)).ToList();
        var added = vocabularySize - model.VocabSize;
        var trainsNewOnly = request.TrainableRows == TrainableRows.New;
        var matrices = settings.ModulesToSave.Count;
        var trainedRows = trainsNewOnly ? added : vocabularySize;

        var stack = LlamaTensorNames.Describe(model).Where(t => t.Name is not (LlamaTensorNames.EmbedTokens or LlamaTensorNames.LmHead)).Sum(t => t.ElementCount);
        var frozenRows = trainsNewOnly ? model.VocabSize * matrices : 0;
        var untouchedRows = (long)vocabularySize * ((model.TieWordEmbeddings ? 1 : 2) - matrices);
        var frozen = (stack * width) + (frozenRows * hidden * width) + (untouchedRows * hidden * (matrices > 0 && !trainsNewOnly ? Float : width));
        var trained = lora.Sum(t => settings.Config.RankFor(t.Module) * (t.tensor.Shape[0] + t.tensor.Shape[1])) + ((long)matrices * trainedRows * hidden);
        var wholeGradient = matrices > 0 ? trainedRows * hidden : 0;

        var (kept, passing) = Layer(model, settings, width);
        // With checkpoints a layer's input is kept of each, and everything of one.
        var perToken = request.ActivationCheckpointing == ActivationCheckpointing.Block ? (layers * hidden * width) + kept : layers * kept;
        // Embedding, final norm, and the scored rows with their gradient.
        var ends = (pass.Tokens * 3 * hidden * width) + (pass.Scored * 3 * hidden * width);
        var chunk = request.LossChunk == 0 ? pass.Scored : Math.Min(request.LossChunk, pass.Scored);
        return new MemoryEstimate(
            frozen,
            ((4 * trained) + wholeGradient) * Float,
            (pass.Tokens * (perToken + passing)) + ends,
            chunk * vocabularySize * 4 * Float,
            request.Device.StartsWith("cuda", StringComparison.OrdinalIgnoreCase) ? 0 : ProcessBytes);
    }

    /// <summary>One line with the parts.</summary>
    public override string ToString() => string.Create(
        CultureInfo.InvariantCulture,
        $"{Gigabytes(Total)} GiB (frozen weights {Gigabytes(Frozen)}, trained values with gradient and moments {Gigabytes(Trained)}, activations {Gigabytes(Activations)}, scores {Gigabytes(Scores)})");

    // Bytes of a token in one layer: what the backward pass needs, and gradients that are passing through it.
    private static (long Kept, long Passing) Layer(LlamaConfig model, LoraSettings settings, int width)
    {
        var (hidden, feedForward) = ((long)model.HiddenSize, (long)model.IntermediateSize);
        var keyValue = (long)model.NumKeyValueHeads * model.HeadDim;
        // Before both norms, queries and what attention gives; keys and values; gate, its activation, and up. Four more of the hidden size are measured, not derived.
        var elements = (8 * hidden) + (2 * keyValue) + (3 * feedForward);
        // LoRA's A keeps its input, after dropout with a byte for each element more; layers of one input share it.
        var inputs = (Any("q_proj", "k_proj", "v_proj") ? hidden : 0) + (Any("o_proj") ? hidden : 0) + (Any("gate_proj", "up_proj") ? hidden : 0) + (Any("down_proj") ? feedForward : 0);
        var kept = ((elements + inputs) * width) + (settings.Config.LoraDropout > 0 ? inputs : 0);
        return (kept, ((4 * feedForward) + (4 * hidden)) * width);

        bool Any(params string[] names) => names.Any(name => settings.Adapts(LlamaTensorNames.Module(0, name)));
    }

    private static string Gigabytes(long bytes) => (bytes / (double)(1L << 30)).ToString("0.00", CultureInfo.InvariantCulture);
}
