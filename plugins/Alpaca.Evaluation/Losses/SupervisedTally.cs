using Alpaca.Llama;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Alpaca.Evaluation;

/// <summary>Sums of loss and hits over answer tokens.</summary>
internal sealed class SupervisedTally
{
    private const int LogitRows = 256; // at 50,000 tokens 50 MB of logits at a time instead of a batch's whole [B, T, V]

    private long _hits;

    /// <summary>The sum of the negative log-likelihoods, in nats.</summary>
    public double Loss { get; private set; }

    /// <summary>Answer tokens seen.</summary>
    public long Tokens { get; private set; }

    /// <summary>Mean negative log-likelihood of an answer token, in nats.</summary>
    public double MeanLoss => Loss / Tokens;

    /// <summary>The share of answer tokens that were the model's first choice.</summary>
    public double Accuracy => (double)_hits / Tokens;

    /// <summary>Runs the model on a batch and adds its answer tokens.</summary>
    public void Add(LlamaModel model, SupervisedBatch batch)
    {
        using var inference = inference_mode();
        using var scope = NewDisposeScope();
        var hidden = model.ForwardHidden(tensor(batch.InputIds, device: model.Device)); // [B, T, H]
        var rows = hidden.flatten(0, 1).index_select(0, tensor(batch.Positions, device: model.Device)); // [N, H]
        var labels = tensor(batch.Labels, device: model.Device);                        // [N]
        for (long start = 0; start < batch.Labels.Length; start += LogitRows)
        {
            using var part = NewDisposeScope();
            var count = Math.Min(LogitRows, batch.Labels.Length - start);
            Add(model.Logits(rows.narrow(0, start, count)), labels.narrow(0, start, count));
        }
    }

    /// <summary>Adds answer tokens.</summary>
    /// <param name="logits">[N, V], float32.</param>
    /// <param name="labels">[N].</param>
    internal void Add(Tensor logits, Tensor labels)
    {
        Loss += functional.cross_entropy(logits, labels, reduction: Reduction.Sum).item<float>();
        _hits += logits.argmax(-1).eq(labels).sum().item<long>();
        Tokens += labels.shape[0];
    }
}
