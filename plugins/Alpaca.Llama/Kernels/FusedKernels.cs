using TorchSharp;
using static Alpaca.Llama.Dispatcher;
using static TorchSharp.torch;

namespace Alpaca.Llama;

/// <summary>Kernels of libtorch that do in one pass over memory what takes several operators of TorchSharp.</summary>
/// <remarks>All work on any device and, <see cref="AdamW"/> apart, with autograd. Look at <see cref="AreAvailable"/> first.</remarks>
public static class FusedKernels
{
    // The releases whose schema of _flash_attention_forward is the one below. It is not a public operator and may change.
    private static readonly (int Major, int Minor)[] KnownFlashAttention = [(2, 10), (2, 11)];

    /// <summary>Whether this libtorch lets them be called.</summary>
    public static bool AreAvailable => IsAvailable;

    /// <summary>Root mean square normalisation with weight, accumulated in float32 and rounded once: [..., H] -> [..., H].</summary>
    public static Tensor RmsNorm(Tensor x, Tensor weight, double epsilon)
    {
        ArgumentNullException.ThrowIfNull(x);
        ArgumentNullException.ThrowIfNull(weight);
        // rms_norm(Tensor input, SymInt[] normalized_shape, Tensor? weight, float? eps) -> Tensor
        Span<ulong> stack = [Slot(x), Slots((ulong)weight.shape[0]), OptionalSlot(weight), OptionalSlot(epsilon)];
        Call("aten::rms_norm\0"u8, stack);
        return TensorOf(stack[0]);
    }

    /// <summary>Causal attention with fewer key-value heads than query heads, without copies of them: [B, heads, T, hd] and twice [B, kvHeads, T, hd] -> [B, heads, T, hd].</summary>
    public static Tensor CausalAttention(Tensor q, Tensor k, Tensor v)
    {
        ArgumentNullException.ThrowIfNull(q);
        ArgumentNullException.ThrowIfNull(k);
        ArgumentNullException.ThrowIfNull(v);
        // scaled_dot_product_attention(query, key, value, Tensor? attn_mask, float dropout_p, bool is_causal, *, float? scale, bool enable_gqa) -> Tensor
        Span<ulong> stack = [Slot(q), Slot(k), Slot(v), 0, Slot(0.0), Slot(true), 0, Slot(q.shape[1] != k.shape[1])];
        Call("aten::scaled_dot_product_attention\0"u8, stack);
        return TensorOf(stack[0]);
    }

    /// <summary>Whether <see cref="CausalAttention(Tensor, Tensor, Tensor, Tensor, long)"/> takes queries like these.</summary>
    public static bool TakesSegments(Tensor q)
    {
        ArgumentNullException.ThrowIfNull(q);
        return q.device_type == DeviceType.CUDA && q.dtype is ScalarType.BFloat16 or ScalarType.Float16 && q.shape[^1] is <= 256 and var headDim && headDim % 8 == 0
            && IsAvailable && KnownFlashAttention.Contains(Dispatcher.Version);
    }

    /// <summary>Causal attention within segments that stand one after another, none of which sees another (FlashAttention-2, Dao 2023): [T, heads, hd] and twice [T, kvHeads, hd] -> [T, heads, hd].</summary>
    /// <param name="q">Queries, in 16 bits on CUDA.</param>
    /// <param name="k">Keys.</param>
    /// <param name="v">Values.</param>
    /// <param name="boundaries">[segments + 1] int32, where each begins, and T.</param>
    /// <param name="longest">Positions of the longest segment.</param>
    public static Tensor CausalAttention(Tensor q, Tensor k, Tensor v, Tensor boundaries, long longest)
    {
        ArgumentNullException.ThrowIfNull(q);
        ArgumentNullException.ThrowIfNull(k);
        ArgumentNullException.ThrowIfNull(v);
        ArgumentNullException.ThrowIfNull(boundaries);
        // _flash_attention_forward(query, key, value, Tensor? cum_seq_q, Tensor? cum_seq_k, SymInt max_q, SymInt max_k, float dropout_p, bool is_causal, bool return_debug_mask, *,
        //     float? scale, SymInt? window_size_left, SymInt? window_size_right, Tensor? seqused_k, Tensor? alibi_slopes) -> (output, softmax_logsumexp, rng_state, unused, debug_attn_mask)
        Span<ulong> stack =
        [
            Slot(q), Slot(k), Slot(v), OptionalSlot(boundaries), OptionalSlot(boundaries), (ulong)longest, (ulong)longest, Slot(0.0), Slot(true), Slot(false), 0, 0, 0, 0, 0,
        ];
        Call("aten::_flash_attention_forward\0"u8, stack);
        foreach (var unneeded in stack[1..5]) Drop(unneeded);
        return TensorOf(stack[0]);
    }

    /// <summary>One step of AdamW with PyTorch's arithmetic, in place. Call it without gradients.</summary>
    /// <param name="values">The parameters, float32.</param>
    /// <param name="gradient">Their gradient.</param>
    /// <param name="firstMoment"><c>exp_avg</c>.</param>
    /// <param name="secondMoment"><c>exp_avg_sq</c>.</param>
    /// <param name="step">The step, counted from 1: [1] float32 on the same device.</param>
    /// <param name="settings">Rates.</param>
    public static void AdamW(Tensor values, Tensor gradient, Tensor firstMoment, Tensor secondMoment, Tensor step, AdamWSettings settings)
    {
        // _fused_adamw_(Tensor[] self, Tensor[] grads, Tensor[] exp_avgs, Tensor[] exp_avg_sqs, Tensor[] max_exp_avg_sqs, Tensor[] state_steps, *, float lr, float beta1, float beta2,
        //     float weight_decay, float eps, bool amsgrad, bool maximize, Tensor? grad_scale, Tensor? found_inf) -> ()
        Span<ulong> stack =
        [
            Slots(Slot(values)), Slots(Slot(gradient)), Slots(Slot(firstMoment)), Slots(Slot(secondMoment)), Slots(), Slots(Slot(step)),
            Slot(settings.LearningRate), Slot(settings.Beta1), Slot(settings.Beta2), Slot(settings.WeightDecay), Slot(settings.Epsilon), Slot(false), Slot(false), 0, 0,
        ];
        Call("aten::_fused_adamw_\0"u8, stack);
    }
}

/// <summary>The numbers of one AdamW step.</summary>
/// <param name="LearningRate">The step's rate.</param>
/// <param name="Beta1">Decay of the first moment.</param>
/// <param name="Beta2">Decay of the second moment.</param>
/// <param name="WeightDecay">Decoupled weight decay.</param>
/// <param name="Epsilon">Added to the denominator.</param>
public readonly record struct AdamWSettings(double LearningRate, double Beta1, double Beta2, double WeightDecay, double Epsilon);
