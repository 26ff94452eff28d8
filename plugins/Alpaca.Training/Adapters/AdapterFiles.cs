using Alpaca.Formats;
using static TorchSharp.torch;

namespace Alpaca.Training;

/// <summary>An adapter folder as PEFT reads it.</summary>
internal static class AdapterFiles
{
    /// <summary>Writes <c>adapter_config.json</c> and <c>adapter_model.safetensors</c>.</summary>
    /// <remarks>
    /// Everything is float32, the modules trained in full as well: merging rounds to the base's type, once. Of a matrix that is trained in part the frozen rows are written too, from where
    /// they were read, since PEFT replaces the base's matrix by what <c>modules_to_save</c> holds.
    /// </remarks>
    /// <param name="folder">Where to.</param>
    /// <param name="config">The adapter's configuration.</param>
    /// <param name="parameters">The trained values.</param>
    public static void Write(string folder, LoraConfig config, ParameterVector parameters)
    {
        config.Save(folder);
        TensorFiles.Write(Path.Combine(folder, PeftAdapter.WeightsName), [.. parameters.Parameters.Select(InFull)]);
    }

    /// <summary>Writes what <see cref="Write"/> does, but of matrices that are trained in part only the trained rows.</summary>
    public static void WriteTrained(string folder, LoraConfig config, ParameterVector parameters)
    {
        config.Save(folder);
        TensorFiles.Write(Path.Combine(folder, PeftAdapter.WeightsName), [.. parameters.Parameters.Select(p => (p.Name, (Tensor)p.Parameter))]);
    }

    private static (string Name, IReadOnlyList<StoredRows> Above, Tensor Tensor) InFull(TrainedParameter trained)
        => trained.Matrix is { } matrix ? (matrix.Name, matrix.FrozenRows, trained.Parameter) : (trained.Name, [], trained.Parameter);
}
