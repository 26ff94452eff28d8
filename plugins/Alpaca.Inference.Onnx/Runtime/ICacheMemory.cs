using Microsoft.ML.OnnxRuntime;

namespace Alpaca.Inference.Onnx;

/// <summary>Memory of a device: one piece for the keys and one for the values of each layer.</summary>
internal interface ICacheMemory : IDisposable
{
    /// <summary>Where it is.</summary>
    OrtMemoryInfo Info { get; }

    /// <summary>Where a piece begins.</summary>
    nint Address(int part);

    /// <summary>Copies bytes within a piece.</summary>
    void Copy(int part, long source, long target, long bytes);
}
