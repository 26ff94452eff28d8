using Alpaca.Abstractions;
using Alpaca.Llama;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Alpaca.Training;

/// <summary>How passes are made: what is left out, computed in parts, or twice. It changes time and memory, not results.</summary>
/// <param name="Packing">Whether the samples of a pass stand one after another in one row, without padding.</param>
/// <param name="LossChunk">Supervised tokens whose scores of the whole vocabulary exist at a time; 0 takes all at once.</param>
/// <param name="Checkpointing">What is kept of the forward pass for the backward pass.</param>
/// <param name="LabelOnlyLogits">Whether only tokens with a label are scored.</param>
internal sealed record PassOptions(bool Packing, int LossChunk, ActivationCheckpointing Checkpointing, bool LabelOnlyLogits);

/// <summary>Forward and backward through the decoder, in parts.</summary>
/// <remarks>
/// <para>The graph is cut before the output head. The cross entropy goes forward and back a few tokens at a time, so the scores of all tokens over the whole vocabulary never exist; the
/// gradient that arrives at the cut is what the decoder goes back from.</para>
/// <para>With <see cref="ActivationCheckpointing.Block"/> (Chen et al. 2016, Training Deep Nets with Sublinear Memory Cost) it is cut between the layers as well: forward keeps only what enters
/// each layer, backward runs each layer once more, the last one first.</para>
/// <para>Whatever the cuts, gradients are those of the whole graph, dropout included.</para>
/// </remarks>
internal sealed class GradientPass(LlamaModel model, LoraDropout dropout, PassOptions options)
{
    /// <summary>Adds the gradient of some rows' share of the loss.</summary>
    /// <param name="rows">The rows of one forward pass.</param>
    /// <param name="supervised">The supervised tokens of the optimizer step, by which the sum over the rows' own is divided.</param>
    /// <returns>That share, [1] without gradient, in the caller's dispose scope.</returns>
    public Tensor Run(IReadOnlyList<TrainingRow> rows, long supervised)
    {
        using var scope = NewDisposeScope();
        var batch = Batch.Create(rows, model.Device, options.Packing, options.LabelOnlyLogits);
        var loss = options.Checkpointing == ActivationCheckpointing.Block ? RunByLayers(batch, supervised) : RunWhole(batch, supervised);
        return loss.MoveToOuterDisposeScope();
    }

    /// <summary>Two sums over the supervised tokens of some rows: the cross entropy, and how many had the highest score; call it without gradients.</summary>
    /// <returns>[2] float32, in the caller's dispose scope.</returns>
    public Tensor LossAndHits(IReadOnlyList<TrainingRow> rows)
    {
        using var scope = NewDisposeScope();
        var batch = Batch.Create(rows, model.Device, options.Packing);
        var hidden = model.ForwardHidden(batch.InputIds, Surround(batch));
        var sums = zeros(2, ScalarType.Float32, model.Device);
        foreach (var (scored, targets) in Chunks(TakeScored(hidden, batch), batch.Targets))
        {
            using var chunkScope = NewDisposeScope();
            var logits = model.Logits(scored);
            var hits = logits.argmax(-1).eq(targets).sum().to(ScalarType.Float32);
            sums.add_(stack([CrossEntropySum(logits, targets).to(ScalarType.Float32), hits]));
        }

        return sums.MoveToOuterDisposeScope();
    }

    private Tensor RunWhole(Batch batch, long supervised)
    {
        var hidden = model.ForwardHidden(batch.InputIds, Surround(batch)); // [B, T, H]
        return BackwardFromHead(TakeScored(hidden, batch), batch.Targets, supervised);
    }

    private Tensor RunByLayers(Batch batch, long supervised)
    {
        var inputs = new Tensor[model.LayerCount];   // of each layer, [B, T, H]
        var masksBefore = new int[model.LayerCount];
        var surroundings = Surround(batch);
        Tensor x;
        using (no_grad())
        {
            x = model.Embed(batch.InputIds);
            for (var i = 0; i < inputs.Length; i++)
            {
                (inputs[i], masksBefore[i]) = (x, dropout.Drawn);
                x = model.RunLayer(i, x, surroundings);
            }
        }

        var masksAfter = dropout.Drawn;
        Tensor loss, gradient;
        using (NewDisposeScope())
        {
            var top = x.detach().requires_grad_();
            loss = BackwardFromHead(TakeScored(model.Normalize(top), batch), batch.Targets, supervised).MoveToOuterDisposeScope();
            gradient = GradientOf(top).MoveToOuterDisposeScope();
        }

        x.Dispose();
        for (var i = inputs.Length - 1; i >= 0; i--)
        {
            using var layerScope = NewDisposeScope();
            dropout.Drawn = masksBefore[i];
            var input = inputs[i].detach().requires_grad_();
            model.RunLayer(i, input, surroundings).backward([gradient]);
            gradient.Dispose();
            inputs[i].Dispose();
            gradient = GradientOf(input).MoveToOuterDisposeScope();
        }

        if (model.IsEmbeddingTrained) model.Embed(batch.InputIds).backward([gradient]);
        dropout.Drawn = masksAfter;
        return loss;
    }

    // From the scores back to the rows, chunk by chunk, and from there through whatever made the rows.
    private Tensor BackwardFromHead(Tensor rows, Tensor targets, long supervised)
    {
        var loss = zeros(1, ScalarType.Float32, model.Device);
        var gradients = new List<Tensor>();
        foreach (var (chunk, chunkTargets) in Chunks(rows.detach(), targets))
        {
            using var chunkScope = NewDisposeScope();
            var leaf = chunk.detach().requires_grad_(rows.requires_grad);
            var logits = model.Logits(leaf);
            loss.add_(options.LossChunk > 0 ? BackwardInPlace(logits, chunkTargets, supervised) : BackwardByAutograd(logits, chunkTargets, supervised));
            if (rows.requires_grad) gradients.Add(GradientOf(leaf).MoveToOuterDisposeScope());
        }

        if (rows.requires_grad) rows.backward([cat(gradients)]);
        return loss;
    }

    private static Tensor BackwardByAutograd(Tensor logits, Tensor targets, long supervised)
    {
        var loss = CrossEntropySum(logits, targets).div(supervised);
        if (loss.requires_grad) loss.backward();
        return loss.detach();
    }

    // The gradient of the cross entropy is the softmax less 1 at the target. It takes the place of the scores, which nothing needs any more: neither log-probabilities nor a second matrix exist.
    private static Tensor BackwardInPlace(Tensor logits, Tensor targets, long supervised)
    {
        using var noGrad = no_grad();
        var scores = logits.detach();                                                // [N, V], the memory of logits
        var places = targets.clamp_min(0).unsqueeze(1);                              // [N, 1]
        var weights = targets.ge(0).to_type(ScalarType.Float32).unsqueeze(1).div(supervised); // [N, 1], 0 without a label
        scores.sub_(scores.amax([1], keepdim: true));
        var target = scores.gather(1, places);
        var sum = scores.exp_().sum([1], keepdim: true);
        var loss = sum.log().sub_(target).mul_(weights).sum();
        scores.mul_(weights.div(sum)).scatter_add_(1, places, weights.neg());
        if (logits.requires_grad) logits.backward([scores]);
        return loss;
    }

    private DecoderSurroundings Surround(Batch batch) => batch.Segments is { } segments ? model.Surround(segments) : model.Surround(batch.InputIds.shape[1]);

    // [B, T, H] -> [N, H]
    private static Tensor TakeScored(Tensor hidden, Batch batch) => hidden.flatten(0, 1).index_select(0, batch.Scored);

    private static Tensor CrossEntropySum(Tensor logits, Tensor targets) => functional.cross_entropy(logits, targets, reduction: Reduction.Sum);

    private IEnumerable<(Tensor Rows, Tensor Targets)> Chunks(Tensor rows, Tensor targets)
    {
        var size = options.LossChunk > 0 ? options.LossChunk : targets.shape[0];
        for (long first = 0; first < targets.shape[0]; first += size)
        {
            var count = Math.Min(size, targets.shape[0] - first);
            yield return (rows.narrow(0, first, count), targets.narrow(0, first, count));
        }
    }

    private static Tensor GradientOf(Tensor leaf) => leaf.grad!.alias();
}
