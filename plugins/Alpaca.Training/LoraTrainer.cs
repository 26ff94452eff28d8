using Alpaca.Abstractions;
using Alpaca.Text;

namespace Alpaca.Training;

/// <summary>Trains a LoRA adapter, and with it the embedding and the output head if asked, on instruction data.</summary>
public sealed class LoraTrainer : ITrainer, IPreviewingStage<TrainRequest>
{
    /// <inheritdoc />
    public Task<AdapterArtifact> ExecuteAsync(TrainRequest request, StageContext context, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(request);
        ArgumentNullException.ThrowIfNull(context);
        string[] problems = PromptTemplate.Names.Contains(request.Template) ? [] : [$"Template {request.Template} does not exist; there are {string.Join(", ", PromptTemplate.Names)}."];
        return AdapterTraining.StartAsync(request, problems, tokenizer => TrainingData.Load(request, tokenizer, context, cancellationToken), context, cancellationToken);
    }

    /// <inheritdoc />
    public DataPreview Preview(TrainRequest request, int count)
    {
        ArgumentNullException.ThrowIfNull(request);
        ArgumentOutOfRangeException.ThrowIfLessThan(count, 1);
        var tokenizer = ModelTokenizer.Load(request.TokenizerNameOrPath);
        return EncodedData.Load(request.DatasetDir, "training", request, tokenizer).Preview(count, tokenizer);
    }
}
