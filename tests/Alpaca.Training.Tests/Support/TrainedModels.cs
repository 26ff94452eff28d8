using Alpaca.Abstractions;
using Alpaca.Formats;
using static TorchSharp.torch;

namespace Alpaca.Training.Tests;

/// <summary>Models ready to be trained, without the stage around them.</summary>
internal static class TrainedModels
{
    public static TrainedModel Load(TrainRequest request, int? vocabularySize = null)
    {
        using var baseModel = HuggingFaceModel.Open(request.ModelNameOrPath);
        return TrainedModelLoader.Load(request, baseModel, null, LoraSettings.New(request), vocabularySize ?? baseModel.Config.VocabSize, CPU, NullProgress.Instance);
    }

    public static float[] ToArray(this Tensor tensor) => [.. tensor.cpu().contiguous().data<float>()];

    /// <summary>The loss and the gradient of one optimizer step.</summary>
    public static (float Loss, float[] Gradient) LossAndGradient(this TrainedModel model, params IReadOnlyList<TrainingRow>[] microBatches)
    {
        using var scope = NewDisposeScope();
        model.Parameters.Gradient.zero_();
        var loss = model.Backward(microBatches, 1).item<float>();
        return (loss, model.Parameters.Gradient.ToArray());
    }
}
