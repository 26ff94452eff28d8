using System.Globalization;
using Alpaca.Abstractions;
using TorchSharp;
using static TorchSharp.torch;

namespace Alpaca.Llama;

/// <summary>Devices and element types by the names that requests and configuration use.</summary>
public static class TorchDevice
{
    /// <summary>The device of that name.</summary>
    /// <param name="name"><c>cpu</c>, <c>cuda</c> or <c>cuda:N</c>, in any case.</param>
    /// <exception cref="AlpacaUsageException">There is no such name.</exception>
    /// <exception cref="AlpacaException">This machine or this build has no such device.</exception>
    public static Device Parse(string name)
    {
        ArgumentNullException.ThrowIfNull(name);
        if (name.Equals("cpu", StringComparison.OrdinalIgnoreCase)) return CPU;
        if (!TryParseCuda(name, out var index))
            throw new AlpacaUsageException($"Device {name} is unknown; use cpu, cuda or cuda:N.");

        if (!IsCudaAvailable())
            throw new AlpacaException($"Device {name} is not available: this libtorch sees no CUDA device; use cpu, or check the driver and run the build made with -p:Accelerator=cuda or set Torch:LibraryPath to a libtorch with CUDA.");
        if (index >= cuda.device_count())
            throw new AlpacaException($"Device {name} is not available: the machine has {cuda.device_count()} CUDA device(s), numbered from 0.");
        return new Device(DeviceType.CUDA, index);
    }

    /// <summary>The element type of weights with that precision.</summary>
    /// <exception cref="AlpacaUsageException">It is an integer precision, which the decoder does not run.</exception>
    public static ScalarType ScalarTypeOf(Precision precision) => precision switch
    {
        Precision.Fp32 => ScalarType.Float32,
        Precision.Bf16 => ScalarType.BFloat16,
        Precision.Fp16 => ScalarType.Float16,
        _ => throw new AlpacaUsageException($"Precision {precision.ToString().ToLowerInvariant()} is not run by Torch; use fp32, bf16 or fp16, or export the model and use the Onnx backend."),
    };

    private static bool TryParseCuda(string name, out int index)
    {
        index = 0;
        if (name.Equals("cuda", StringComparison.OrdinalIgnoreCase)) return true;
        return name.StartsWith("cuda:", StringComparison.OrdinalIgnoreCase)
            && int.TryParse(name.AsSpan(5), NumberStyles.None, CultureInfo.InvariantCulture, out index);
    }

    private static bool IsCudaAvailable() => TryInitializeDeviceType(DeviceType.CUDA) && cuda.is_available();
}
