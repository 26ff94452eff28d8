using Alpaca.Abstractions;
using Alpaca.Formats;
using Alpaca.Text;
using Microsoft.Extensions.Logging;
using TorchSharp;
using static TorchSharp.torch;

namespace Alpaca.Training;

/// <summary>Trains a LoRA adapter, and with it the embedding and the output head if asked, on instruction data.</summary>
public sealed class LoraTrainer : ITrainer, IPreviewingStage<TrainRequest>
{
    /// <inheritdoc />
    public Task<AdapterArtifact> ExecuteAsync(TrainRequest request, StageContext context, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(request);
        ArgumentNullException.ThrowIfNull(context);
        // Dispose scopes and no_grad belong to a thread, so the whole run has one to itself.
        return Task.Factory.StartNew(() => Train(request, context, cancellationToken), cancellationToken, TaskCreationOptions.LongRunning, TaskScheduler.Default);
    }

    /// <inheritdoc />
    public DataPreview Preview(TrainRequest request, int count)
    {
        ArgumentNullException.ThrowIfNull(request);
        ArgumentOutOfRangeException.ThrowIfLessThan(count, 1);
        var tokenizer = ModelTokenizer.Load(request.TokenizerNameOrPath);
        var data = EncodedData.Load(request.DatasetDir, "training", request, tokenizer);
        return new DataPreview([.. data.Lint.Summary, .. data.Lint.Warnings], [.. data.Samples.Take(count).Select(sample => SamplePreview.Of(sample, tokenizer))]);
    }

    private static AdapterArtifact Train(TrainRequest request, StageContext context, CancellationToken cancellationToken)
    {
        using var scope = NewDisposeScope();
        var device = TrainRequestCheck.Run(request);
        using var heap = NativeHeap.KeepFreedMemory();
        using var baseModel = HuggingFaceModel.Open(request.ModelNameOrPath);
        var tokenizer = ModelTokenizer.Load(request.TokenizerNameOrPath);
        using var adapter = request.PeftPath is { } path ? PeftAdapter.Open(path) : null;
        var settings = adapter is null ? LoraSettings.New(request) : LoraSettings.Continue(request, adapter);
        VocabularyCheck.Run(request, baseModel.Config, tokenizer.VocabularySize, settings.ModulesToSave);
        var data = TrainingData.Load(request, tokenizer, context.Logger);
        WarnOfSlowOrUntriedChoices(request, baseModel.Config, data, device, context.Logger);
        cancellationToken.ThrowIfCancellationRequested();

        using var model = TrainedModelLoader.Load(request, baseModel, adapter, settings, tokenizer.VocabularySize, device, context.Progress, cancellationToken);
        context.Logger.LogInformation(
            "trainable params: {Trainable:N0} || all params: {All:N0} || trainable%: {Percent:F4}",
            model.Parameters.Count, model.ParameterCount, 100.0 * model.Parameters.Count / model.ParameterCount);

        using var run = new TrainingRun(request, data, model, settings.Config, context);
        context.Logger.LogInformation("{Rows} rows, {Steps} optimizer steps of {Window} rows", data.Training.Count, run.TotalSteps, request.BatchSize * request.GradientAccumulationSteps);
        var metrics = run.Execute(cancellationToken);

        AdapterFiles.Write(context.OutputFolder, settings.Config, model.Parameters);
        TokenizerFiles.Copy(request.TokenizerNameOrPath, context.OutputFolder);
        return new AdapterArtifact
        {
            Rank = settings.Config.R,
            Steps = run.TotalSteps,
            TrainableParameters = model.Parameters.Count,
            Metrics = metrics,
        };
    }

    private static void WarnOfSlowOrUntriedChoices(TrainRequest request, LlamaConfig model, TrainingData data, Device device, ILogger logger)
    {
        if (device.type == DeviceType.CPU && request.Precision != Precision.Fp32)
            logger.LogWarning("Precision {Precision} saves memory but makes training on the CPU many times slower than fp32", request.Precision);
        var longest = data.Training.Concat(data.Validation).SelectMany(row => row.Samples).Max(sample => sample.InputIds.Length);
        if (longest > model.MaxPositionEmbeddings)
            logger.LogWarning("The longest sample has {Longest} tokens, the base model knows {Known} positions; lower MaxSeqLength", longest, model.MaxPositionEmbeddings);
    }
}
