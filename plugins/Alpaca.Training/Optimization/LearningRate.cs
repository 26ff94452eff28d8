using Alpaca.Abstractions;

namespace Alpaca.Training;

/// <summary>The learning rate as a function of the optimizer step, as in Hugging Face's <c>get_scheduler</c>.</summary>
/// <param name="peak">The rate at the end of the warm-up.</param>
/// <param name="warmupSteps">Steps of linear warm-up from 0; 0 starts at the peak.</param>
/// <param name="totalSteps">The step at which cosine and linear reach 0.</param>
/// <param name="shape">How the rate falls after the warm-up.</param>
internal sealed class LearningRate(double peak, int warmupSteps, int totalSteps, LearningRateSchedule shape)
{
    /// <summary>The rate of one optimizer step.</summary>
    /// <param name="step">Counted from 0: the first step of a warm-up has rate 0.</param>
    public double At(int step)
    {
        if (step < warmupSteps) return peak * step / warmupSteps;

        // 0 at the end of the warm-up, 1 at the last step; a warm-up that outlasts the run leaves nothing to fall.
        var progress = Math.Min(1.0, (step - warmupSteps) / (double)Math.Max(1, totalSteps - warmupSteps));
        return shape switch
        {
            LearningRateSchedule.Cosine => peak * 0.5 * (1 + Math.Cos(Math.PI * progress)),
            LearningRateSchedule.Linear => peak * (1 - progress),
            LearningRateSchedule.Constant => peak,
            _ => throw new InvalidOperationException($"There is no schedule {shape}."),
        };
    }
}
