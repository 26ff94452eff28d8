using Alpaca.Abstractions;
using Alpaca.Formats;
using static TorchSharp.torch;

namespace Alpaca.Training;

/// <summary>
/// The content of a checkpoint: the adapter, as PEFT reads it, so that it can be merged as it stands (unless of <c>modules_to_save</c> only new rows are trained: then it holds just those); <c>optimizer.safetensors</c>; the log so far; and
/// <c>training_state.json</c>, written last.
/// </summary>
internal static class TrainingCheckpoint
{
    private const string OptimizerFileName = "optimizer.safetensors";
    private const string StateFileName = "training_state.json";

    /// <summary>Fills a folder.</summary>
    public static void Write(string folder, LoraConfig config, ParameterVector parameters, AdamW optimizer, TrainLog log, TrainingProgress progress, RunFingerprint fingerprint)
    {
        using var scope = NewDisposeScope();
        AdapterFiles.WriteTrained(folder, config, parameters);
        TensorFiles.Write(Path.Combine(folder, OptimizerFileName), [.. Moments(parameters, optimizer)]);
        log.CopyTo(folder);
        progress.Save(Path.Combine(folder, StateFileName), fingerprint);
    }

    /// <summary>Restores the trained values and the optimizer's moments.</summary>
    /// <returns>How far the run was.</returns>
    /// <exception cref="AlpacaException">The checkpoint is damaged or belongs to another run; everything it holds is looked at before anything is changed.</exception>
    public static TrainingProgress Read(string folder, ParameterVector parameters, AdamW optimizer, RunFingerprint fingerprint)
    {
        using var scope = NewDisposeScope();
        var progress = TrainingProgress.Load(Path.Combine(folder, StateFileName), fingerprint);
        if (!File.Exists(Path.Combine(folder, TrainLog.FileName))) throw new AlpacaException($"{folder} has no {TrainLog.FileName}.");
        using var adapter = TensorSource.Open(Path.Combine(folder, PeftAdapter.WeightsName));
        using var moments = TensorSource.Open(Path.Combine(folder, OptimizerFileName));
        (ITensorSource Source, TensorInfo Info, Tensor Target)[] values =
        [
            .. parameters.Parameters.Select(p => (adapter, TensorFiles.Require(adapter, folder, p.Name, p.Parameter.shape), (Tensor)p.Parameter)),
            .. Moments(parameters, optimizer).Select(m => (moments, TensorFiles.Require(moments, folder, m.Name, m.Tensor.shape), m.Tensor)),
        ];
        foreach (var (source, info, target) in values) TensorFiles.Read(source, info, target);
        return progress;
    }

    /// <summary>Restores the trained values alone.</summary>
    /// <exception cref="AlpacaException">The checkpoint is missing or damaged.</exception>
    public static void ReadValues(string folder, ParameterVector parameters)
    {
        using var scope = NewDisposeScope();
        using var adapter = TensorSource.Open(Path.Combine(folder, PeftAdapter.WeightsName));
        foreach (var trained in parameters.Parameters)
            TensorFiles.Read(adapter, TensorFiles.Require(adapter, folder, trained.Name, trained.Parameter.shape), trained.Parameter);
    }

    private static IEnumerable<(string Name, Tensor Tensor)> Moments(ParameterVector parameters, AdamW optimizer)
    {
        for (var i = 0; i < parameters.Parameters.Count; i++)
        {
            yield return ($"exp_avg.{parameters.Parameters[i].Name}", parameters.SliceOf(optimizer.FirstMoment, i));
            yield return ($"exp_avg_sq.{parameters.Parameters[i].Name}", parameters.SliceOf(optimizer.SecondMoment, i));
        }
    }
}
