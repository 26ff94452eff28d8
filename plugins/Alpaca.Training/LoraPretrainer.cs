using Alpaca.Abstractions;
using Alpaca.Text;

namespace Alpaca.Training;

/// <summary>Trains a LoRA adapter, and with it the embedding and the output head if asked, on plain text.</summary>
public sealed class LoraPretrainer : IPretrainer, IPreviewingStage<PretrainRequest>
{
    /// <inheritdoc />
    public Task<AdapterArtifact> ExecuteAsync(PretrainRequest request, StageContext context, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(request);
        ArgumentNullException.ThrowIfNull(context);
        string[] problems = request is { ValidationFile: not null, ValidationSplit: > 0 }
            ? [$"ValidationFile {request.ValidationFile} and ValidationSplit {request.ValidationSplit} both give the validation text; remove one of them."]
            : [];
        return AdapterTraining.StartAsync(request, problems, tokenizer => TrainingData.Load(request, tokenizer, context, cancellationToken), context, cancellationToken);
    }

    /// <inheritdoc />
    public DataPreview Preview(PretrainRequest request, int count)
    {
        ArgumentNullException.ThrowIfNull(request);
        ArgumentOutOfRangeException.ThrowIfLessThan(count, 1);
        var tokenizer = ModelTokenizer.Load(request.TokenizerNameOrPath);
        return TextBlocks.Load(request.DatasetDir, "training", request, tokenizer).Preview(count, tokenizer);
    }
}
