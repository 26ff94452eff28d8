using Microsoft.ML.OnnxRuntime;

namespace Alpaca.Inference.Onnx;

/// <summary>Inputs and outputs bound for passes over the same slots. What depends on the pass's sizes is bound anew when those change.</summary>
internal sealed class BoundPass(InferenceSession session) : IDisposable
{
    private readonly List<OrtValue> _owned = [];
    private readonly List<OrtValue> _sized = [];
    private (Pass Pass, int Generation) _current;

    /// <summary>What a session runs.</summary>
    public OrtIoBinding Binding { get; } = session.CreateIoBinding();

    /// <summary>Keeps a value until the end.</summary>
    public OrtValue Own(OrtValue value)
    {
        _owned.Add(value);
        return value;
    }

    /// <summary>Binds the tensors of a pass unless they are.</summary>
    public void Bind(Pass pass, PassTensors tensors, int hiddenSize)
    {
        if (_current == (pass, tensors.Generation)) return;
        var outdated = _sized.ToArray();
        _sized.Clear();
        tensors.Bind(
            pass,
            (name, value, isOutput) =>
            {
                _sized.Add(value);
                if (isOutput) Binding.BindOutput(name, value);
                else Binding.BindInput(name, value);
            },
            hiddenSize);
        foreach (var value in outdated) value.Dispose();
        _current = (pass, tensors.Generation);
    }

    /// <inheritdoc />
    public void Dispose()
    {
        Binding.Dispose();
        foreach (var value in _sized) value.Dispose();
        foreach (var value in _owned) value.Dispose();
    }
}
