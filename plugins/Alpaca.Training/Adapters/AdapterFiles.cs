using Alpaca.Formats;
using static TorchSharp.torch;

namespace Alpaca.Training;

/// <summary>An adapter folder as PEFT reads it.</summary>
internal static class AdapterFiles
{
    /// <summary>Writes <c>adapter_config.json</c> and <c>adapter_model.safetensors</c>.</summary>
    /// <remarks>Everything is float32, the modules trained in full as well: merging rounds to the base's type, once.</remarks>
    /// <param name="folder">Where to.</param>
    /// <param name="config">The adapter's configuration.</param>
    /// <param name="parameters">The trained values.</param>
    public static void Write(string folder, LoraConfig config, ParameterVector parameters)
    {
        config.Save(folder);
        TensorFiles.Write(Path.Combine(folder, PeftAdapter.WeightsName), [.. parameters.Parameters.Select(p => (p.Name, (Tensor)p.Parameter))]);
    }
}
