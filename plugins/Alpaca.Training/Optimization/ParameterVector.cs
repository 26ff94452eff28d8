using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Alpaca.Training;

/// <summary>A parameter that is trained, under the name that it has in a checkpoint, which is that of an adapter file if it is trained in full.</summary>
/// <param name="Name">PEFT's name, <c>base_model.model.model.layers.0.self_attn.q_proj.lora_A.weight</c>.</param>
/// <param name="Parameter">The values, float32.</param>
/// <param name="LearningRateRatio">Its learning rate as a multiple of the run's.</param>
internal readonly record struct TrainedParameter(string Name, Parameter Parameter, double LearningRateRatio = 1)
{
    /// <summary>The matrix whose last rows these are, if they are not all of it.</summary>
    public PartlyTrainedMatrix? Matrix { get; init; }
}

/// <summary>A matrix of which only the last rows are trained.</summary>
/// <param name="Name">PEFT's name of the whole.</param>
/// <param name="FrozenRows">The rows before those: where they are stored, since the model may hold them rounded.</param>
internal sealed record PartlyTrainedMatrix(string Name, IReadOnlyList<StoredRows> FrozenRows);

/// <summary>A stretch of a <see cref="ParameterVector"/> that is updated alike.</summary>
/// <param name="Start">Its first element.</param>
/// <param name="Length">How many.</param>
/// <param name="LearningRateRatio">Its learning rate as a multiple of the run's.</param>
internal readonly record struct ParameterRange(long Start, long Length, double LearningRateRatio);

/// <summary>Every trained parameter as a slice of one float32 vector, and every gradient as a slice of another.</summary>
/// <remarks>
/// LoRA trains hundreds of small matrices. As one vector, clearing the gradient, its norm and the optimizer's update each take a few calls instead of a few per
/// matrix, and the values that a checkpoint holds lie together. The parameters keep working as before: they share the vector's storage, and backward passes add
/// to the gradient in place.
/// </remarks>
internal sealed class ParameterVector : IDisposable
{
    // Slices start at multiples of 64 bytes. The gap elements have no gradient and stay 0.
    private const long Alignment = 16;

    private readonly long[] _offsets;

    /// <summary>Moves the parameters into one vector.</summary>
    /// <param name="parameters">Float32 parameters on one device, each named once.</param>
    public ParameterVector(IReadOnlyList<TrainedParameter> parameters)
    {
        Parameters = parameters;
        _offsets = new long[parameters.Count];
        var length = 0L;
        var ranges = new List<ParameterRange>();
        for (var i = 0; i < parameters.Count; i++)
        {
            _offsets[i] = length;
            var slice = (parameters[i].Parameter.numel() + Alignment - 1) / Alignment * Alignment;
            if (ranges.Count > 0 && ranges[^1].LearningRateRatio == parameters[i].LearningRateRatio) ranges[^1] = ranges[^1] with { Length = ranges[^1].Length + slice };
            else ranges.Add(new ParameterRange(length, slice, parameters[i].LearningRateRatio));
            length += slice;
            Count += parameters[i].Parameter.numel();
        }

        Ranges = ranges;

        using var scope = NewDisposeScope();
        using var noGrad = no_grad();
        var device = parameters[0].Parameter.device;
        Values = zeros(length, ScalarType.Float32, device).DetachFromDisposeScope();
        Gradient = zeros(length, ScalarType.Float32, device).DetachFromDisposeScope();
        for (var i = 0; i < parameters.Count; i++)
        {
            var parameter = parameters[i].Parameter;
            var values = SliceOf(Values, i);
            values.copy_(parameter);
            parameter.set_(values);
            parameter.requires_grad = true;
            parameter.grad = SliceOf(Gradient, i);
        }
    }

    /// <summary>The parameters, in the vector's order.</summary>
    public IReadOnlyList<TrainedParameter> Parameters { get; }

    /// <summary>The vector cut where the learning rate changes.</summary>
    public IReadOnlyList<ParameterRange> Ranges { get; }

    /// <summary>The number of trained values.</summary>
    public long Count { get; }

    /// <summary>The values, [Length] float32.</summary>
    public Tensor Values { get; }

    /// <summary>The sum of the gradients of all backward passes since it was last cleared, [Length] float32.</summary>
    public Tensor Gradient { get; }

    /// <summary>The part of a vector with the layout of <see cref="Values"/> that belongs to one parameter, in the parameter's shape.</summary>
    /// <param name="vector">[Length].</param>
    /// <param name="index">The parameter's index in <see cref="Parameters"/>.</param>
    public Tensor SliceOf(Tensor vector, int index)
    {
        var parameter = Parameters[index].Parameter;
        return vector.narrow(0, _offsets[index], parameter.numel()).view(parameter.shape);
    }

    /// <inheritdoc />
    public void Dispose()
    {
        Values.Dispose();
        Gradient.Dispose();
    }
}
