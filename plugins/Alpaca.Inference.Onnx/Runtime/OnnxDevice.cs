using System.Globalization;
using Alpaca.Abstractions;
using Microsoft.ML.OnnxRuntime;

namespace Alpaca.Inference.Onnx;

/// <summary>Where a model runs.</summary>
/// <param name="Cuda">The number of a CUDA device; <see langword="null"/> is the CPU.</param>
internal readonly record struct OnnxDevice(int? Cuda)
{
    private const string CudaProvider = "CUDAExecutionProvider";

    /// <summary>Reads <c>cpu</c>, <c>cuda</c> or <c>cuda:1</c>.</summary>
    /// <exception cref="AlpacaUsageException">It is something else, or this build of ONNX Runtime has no CUDA.</exception>
    public static OnnxDevice Parse(string device)
    {
        if (string.Equals(device, "cpu", StringComparison.OrdinalIgnoreCase)) return default;
        var parts = device.Split(':');
        var number = 0;
        if (!string.Equals(parts[0], "cuda", StringComparison.OrdinalIgnoreCase) || parts.Length > 2
            || (parts.Length == 2 && !int.TryParse(parts[1], NumberStyles.None, CultureInfo.InvariantCulture, out number)))
            throw new AlpacaUsageException($"Device '{device}' is unknown; it must be cpu, cuda, or cuda with a number such as cuda:1.");
        if (!OrtEnv.Instance().GetAvailableProviders().Contains(CudaProvider))
        {
            throw new AlpacaUsageException(
                $"Device '{device}' is not available to the Onnx backend, whose ONNX Runtime was built for the cpu; build with -p:Accelerator=cuda, set the device to cpu, or use the Torch backend.");
        }

        return new OnnxDevice(number);
    }
}
