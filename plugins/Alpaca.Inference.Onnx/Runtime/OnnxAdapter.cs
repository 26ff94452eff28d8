using Microsoft.ML.OnnxRuntime;

namespace Alpaca.Inference.Onnx;

/// <summary>An adapter's matrices as the graph takes them.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Tensors">The inputs that are fed for it, and the memory of each.</param>
internal sealed record OnnxAdapter(string Name, IReadOnlyList<(string Input, OrtValue Value, NativeBuffer Memory)> Tensors) : IDisposable
{
    /// <summary>Binds all of it.</summary>
    public void BindTo(OrtIoBinding binding)
    {
        foreach (var (input, value, _) in Tensors) binding.BindInput(input, value);
    }

    /// <inheritdoc />
    public void Dispose()
    {
        foreach (var (_, value, memory) in Tensors)
        {
            value.Dispose();
            memory.Dispose();
        }
    }
}
