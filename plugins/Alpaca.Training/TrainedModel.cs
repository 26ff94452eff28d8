using Alpaca.Formats;
using Alpaca.Llama;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Alpaca.Training;

/// <summary>A frozen decoder with what is trained on it: LoRA layers, and modules in full.</summary>
internal sealed class TrainedModel : IDisposable
{
    private readonly LlamaModel _model;
    private readonly LoraDropout _dropout;
    private readonly GradientPass _pass;

    /// <summary>Takes a model and makes what is trained ready for the optimizer.</summary>
    /// <param name="model">The decoder with the layers of <paramref name="adapters"/> in it; disposed with this.</param>
    /// <param name="adapters">Its LoRA layers, with their starting values.</param>
    /// <param name="modulesToSave">What is trained in full, or where <paramref name="model"/> has added rows apart, in these; float32 in the model.</param>
    /// <param name="dropout">The dropout of the layers; disposed with this.</param>
    /// <param name="options">How the passes through it are made.</param>
    /// <param name="loraPlusRatio">The learning rate of the B matrices as a multiple of that of the others.</param>
    /// <param name="frozenRows">Where the rows of a matrix are stored that is trained in its added rows alone.</param>
    public TrainedModel(
        LlamaModel model, LoraAdapters adapters, IReadOnlyList<string> modulesToSave, LoraDropout dropout, PassOptions options, double loraPlusRatio,
        Func<string, IReadOnlyList<StoredRows>> frozenRows)
    {
        _model = model;
        _pass = new GradientPass(model, dropout, options);
        _dropout = dropout;
        var frozen = model.parameters().Concat(model.buffers()).Distinct().Sum(tensor => tensor.numel());
        var trained = new List<TrainedParameter>();
        trained.AddRange(adapters.Layers.Select(layer => new TrainedParameter(PeftAdapter.TensorNameFor(layer.Key, "A"), layer.Value.A)));
        if (modulesToSave.Contains(LoraSettings.EmbedTokens)) trained.Add(Rows(LlamaTensorNames.EmbedTokens, model.EmbedTokens, model.AddedEmbedTokens));
        if (modulesToSave.Contains(LoraSettings.LmHead)) trained.Add(Rows(LlamaTensorNames.LmHead, model.LmHead, model.AddedLmHead));
        // The B matrices together, since they may have a learning rate of their own.
        trained.AddRange(adapters.Layers.Select(layer => new TrainedParameter(PeftAdapter.TensorNameFor(layer.Key, "B"), layer.Value.B, loraPlusRatio)));
        Parameters = new ParameterVector(trained);
        ParameterCount = frozen;
        FrozenBytes = model.parameters().Concat(model.buffers()).Where(tensor => !tensor.requires_grad).Distinct().Sum(tensor => tensor.numel() * tensor.element_size());

        TrainedParameter Rows(string name, Parameter weight, Parameter? added)
        {
            var matrix = PeftAdapter.TensorNameForSaved(name);
            return added is null ? new TrainedParameter(matrix, weight) : new TrainedParameter($"{matrix}.added_rows", added) { Matrix = new PartlyTrainedMatrix(matrix, frozenRows(name)) };
        }
    }

    /// <summary>What is trained.</summary>
    public ParameterVector Parameters { get; }

    /// <summary>All parameters, frozen and trained.</summary>
    public long ParameterCount { get; }

    /// <summary>The bytes of what is not trained.</summary>
    public long FrozenBytes { get; }

    /// <summary>Adds the gradient of the mean loss over a window of rows, and gives that loss.</summary>
    /// <param name="microBatches">The rows of each forward pass.</param>
    /// <param name="step">The optimizer step, counted from 1.</param>
    /// <param name="cancellationToken">Looked at before each forward pass; what is in the gradient by then is of no use.</param>
    /// <returns>
    /// The cross entropy summed over the window's supervised tokens, divided by their number: every token counts the same, however the window is cut into
    /// forward passes. A scalar in the caller's dispose scope.
    /// </returns>
    public Tensor Backward(IReadOnlyList<IReadOnlyList<TrainingRow>> microBatches, int step, CancellationToken cancellationToken = default)
    {
        using var scope = NewDisposeScope();
        var supervised = microBatches.Sum(rows => rows.Sum(row => row.SupervisedTokens));
        var loss = zeros(1, ScalarType.Float32, _model.Device);
        _dropout.BeginStep(step);
        try
        {
            foreach (var rows in microBatches)
            {
                cancellationToken.ThrowIfCancellationRequested();
                using var microScope = NewDisposeScope();
                loss.add_(_pass.Run(rows, supervised));
            }
        }
        finally
        {
            _dropout.EndStep();
        }

        return loss.MoveToOuterDisposeScope();
    }

    /// <summary>Two sums over the supervised tokens of rows: the cross entropy, and how many had the highest score; without gradient.</summary>
    /// <returns>[2] float32, in the caller's dispose scope.</returns>
    public Tensor LossAndHits(IReadOnlyList<TrainingRow> rows)
    {
        using var noGrad = no_grad();
        return _pass.LossAndHits(rows);
    }

    /// <inheritdoc />
    public void Dispose()
    {
        Parameters.Dispose();
        _model.Dispose();
        _dropout.Dispose();
    }
}
