using Alpaca.Abstractions;
using Alpaca.Formats;
using Alpaca.Llama;
using static TorchSharp.torch;

namespace Alpaca.Training;

/// <summary>What the validation attributes of <see cref="TrainingRequest"/> cannot say.</summary>
internal static class TrainingRequestCheck
{
    /// <summary>Checks the options with one another and against this machine, before anything is read.</summary>
    /// <param name="request">The options.</param>
    /// <param name="more">What the stage itself found wrong with options of its own.</param>
    /// <returns>The device to train on.</returns>
    /// <exception cref="AlpacaUsageException">Options that cannot be used, all at once.</exception>
    public static Device Run(TrainingRequest request, IEnumerable<string> more)
    {
        var problems = new List<string>();
        CheckNames(nameof(request.LoraTrainable), request.LoraTrainable, [.. LlamaTensorNames.Projections, LoraSettings.AllLinear]);
        CheckNames(nameof(request.ModulesToSave), request.ModulesToSave, LoraSettings.SavableModules);
        if (request.Precision is not (Precision.Fp32 or Precision.Bf16 or Precision.Fp16))
            problems.Add($"Precision {request.Precision} cannot be trained on; use fp32, bf16 or fp16.");
        if (request.PeftPath is not null && request.LoraInit is not null)
            problems.Add("PeftPath and LoraInit both give starting values; remove one of them.");
        if (request.WarmupSteps > 0 && request.WarmupRatio > 0)
            problems.Add($"WarmupSteps {request.WarmupSteps} and WarmupRatio {request.WarmupRatio} both give the warm-up; remove one of them.");
        if (!Directory.Exists(request.TokenizerNameOrPath))
            problems.Add($"TokenizerNameOrPath {request.TokenizerNameOrPath} is no folder; give the folder that holds {TokenizerFiles.Model}.");
        if (request.LoraInit is { } init && !File.Exists(init))
            problems.Add($"LoraInit {init} does not exist.");
        if (request is { EarlyStoppingPatience: > 0, EvalSteps: 0 })
            problems.Add("EvalSteps 0 validates only at the end, where EarlyStoppingPatience has nothing left to stop; give a number of steps.");
        problems.AddRange(more);
        var device = ParseDevice();
        if (problems.Count > 0) throw new AlpacaUsageException(string.Join('\n', problems));
        return device!;

        void CheckNames(string option, IReadOnlyList<string> names, IReadOnlyList<string> valid)
        {
            var unknown = names.Where(name => !valid.Contains(name)).ToList();
            if (unknown.Count > 0) problems.Add($"{option} has no {string.Join(", ", unknown)}; there are {string.Join(", ", valid)}.");
        }

        Device? ParseDevice()
        {
            try
            {
                return TorchDevice.Parse(request.Device);
            }
            catch (AlpacaException e)
            {
                problems.Add(e.Message);
                return null;
            }
        }
    }

    /// <summary>Checks that nothing is asked for that needs validation data, where there is none.</summary>
    /// <exception cref="AlpacaUsageException">Something is.</exception>
    public static void RefuseValidationOptions(TrainingRequest request)
    {
        var option = request.EarlyStoppingPatience > 0 ? nameof(request.EarlyStoppingPatience) : request.LoadBestModelAtEnd ? nameof(request.LoadBestModelAtEnd) : null;
        if (option is not null) throw new AlpacaUsageException($"{option} goes by the validation loss, and there is no validation data; give a ValidationFile or remove {option}.");
    }
}
