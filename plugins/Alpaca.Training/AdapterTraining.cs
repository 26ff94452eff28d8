using Alpaca.Abstractions;
using Alpaca.Formats;
using Alpaca.Text;
using Microsoft.Extensions.Logging;
using TorchSharp;
using static TorchSharp.torch;

namespace Alpaca.Training;

/// <summary>What every stage does that trains an adapter: load, train, save.</summary>
internal static class AdapterTraining
{
    /// <summary>Trains on a thread of its own, which is what dispose scopes and no_grad belong to.</summary>
    /// <param name="request">The options.</param>
    /// <param name="problems">What the stage found wrong with its own options; reported with whatever else is.</param>
    /// <param name="loadData">Reads and encodes what is trained on.</param>
    /// <param name="context">Where to write and whom to tell.</param>
    /// <param name="cancellationToken">Ends the run; what is trained so far is kept as a checkpoint.</param>
    public static Task<AdapterArtifact> StartAsync(
        TrainingRequest request, IReadOnlyList<string> problems, Func<ModelTokenizer, TrainingData> loadData, StageContext context, CancellationToken cancellationToken)
        => Task.Factory.StartNew(
            () => Train(request, problems, loadData, context, cancellationToken), cancellationToken, TaskCreationOptions.LongRunning, TaskScheduler.Default);

    private static AdapterArtifact Train(
        TrainingRequest request, IReadOnlyList<string> problems, Func<ModelTokenizer, TrainingData> loadData, StageContext context, CancellationToken cancellationToken)
    {
        using var scope = NewDisposeScope();
        var device = TrainingRequestCheck.Run(request, problems);
        using var heap = NativeHeap.KeepFreedMemory();
        using var baseModel = HuggingFaceModel.Open(request.ModelNameOrPath);
        var tokenizer = ModelTokenizer.Load(request.TokenizerNameOrPath);
        using var adapter = request.PeftPath is { } path ? PeftAdapter.Open(path) : null;
        var settings = adapter is null ? LoraSettings.New(request) : LoraSettings.Continue(request, adapter);
        VocabularyCheck.Run(request, baseModel.Config, tokenizer.VocabularySize, settings.ModulesToSave);
        var data = loadData(tokenizer);
        if (data.Validation.Count == 0) TrainingRequestCheck.RefuseValidationOptions(request);
        WarnOfSlowOrUntriedChoices(request, baseModel.Config, data, device, context.Logger);
        cancellationToken.ThrowIfCancellationRequested();

        var estimate = MemoryEstimate.Of(request, baseModel.Config, tokenizer.VocabularySize, settings, LargestPass.Of(request, data.Training));
        var shortage = new MemoryShortage(estimate, request, tokenizer.VocabularySize > baseModel.Config.VocabSize, device);
        shortage.Announce(context.Logger);
        try
        {
            return Train(request, baseModel, adapter, settings, tokenizer.VocabularySize, data, device, context, cancellationToken);
        }
        catch (Exception e) when (MemoryShortage.IsCauseOf(e))
        {
            throw shortage.ToException(e);
        }
    }

    private static AdapterArtifact Train(
        TrainingRequest request, HuggingFaceModel baseModel, PeftAdapter? adapter, LoraSettings settings, int vocabularySize, TrainingData data, Device device, StageContext context,
        CancellationToken cancellationToken)
    {
        using var model = TrainedModelLoader.Load(request, baseModel, adapter, settings, vocabularySize, device, context.Progress, cancellationToken);
        context.Logger.LogInformation(
            "trainable params: {Trainable:N0} || all params: {All:N0} || trainable%: {Percent:F4}",
            model.Parameters.Count, model.ParameterCount, 100.0 * model.Parameters.Count / model.ParameterCount);

        using var run = new TrainingRun(request, data, model, settings.Config, context);
        context.Logger.LogInformation("{Rows} rows, {Steps} optimizer steps of {Window} rows", data.Training.Count, run.TotalSteps, request.BatchSize * request.GradientAccumulationSteps);
        var metrics = run.Execute(cancellationToken);

        AdapterFiles.Write(context.OutputFolder, settings.Config, model.Parameters);
        RunReport.Write(context.OutputFolder, request, data, model, run);
        TokenizerFiles.Copy(request.TokenizerNameOrPath, context.OutputFolder);
        return new AdapterArtifact
        {
            Rank = settings.Config.R,
            Steps = run.Progress.Step,
            TrainableParameters = model.Parameters.Count,
            Metrics = metrics,
        };
    }

    private static void WarnOfSlowOrUntriedChoices(TrainingRequest request, LlamaConfig model, TrainingData data, Device device, ILogger logger)
    {
        if (device.type == DeviceType.CPU && request.Precision != Precision.Fp32)
            logger.LogWarning("Precision {Precision} saves memory but makes training on the CPU many times slower than fp32", request.Precision);
        var longest = data.Training.Concat(data.Validation).Max(row => row.Sample.InputIds.Length);
        if (longest > model.MaxPositionEmbeddings)
            logger.LogWarning("The longest sample has {Longest} tokens, the base model knows {Known} positions; lower {Option}", longest, model.MaxPositionEmbeddings,
                request is PretrainRequest ? nameof(PretrainRequest.BlockSize) : nameof(TrainRequest.MaxSeqLength));
    }
}
