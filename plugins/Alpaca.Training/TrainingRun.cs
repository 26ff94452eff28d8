using System.Globalization;
using Alpaca.Abstractions;
using Alpaca.Formats;
using Microsoft.Extensions.Logging;
using static TorchSharp.torch;

namespace Alpaca.Training;

/// <summary>The loop: train, validate, log, save, until the last step. One thread, a dispose scope per step, nothing asynchronous.</summary>
internal sealed class TrainingRun : IDisposable
{
    private readonly TrainingRequest _request;
    private readonly TrainingData _data;
    private readonly TrainedModel _model;
    private readonly LoraConfig _config;
    private readonly StageContext _context;
    private readonly AdamW _optimizer;
    private readonly LearningRate _learningRate;
    private readonly SampleOrder _order;
    private readonly CheckpointFolder _checkpoints;
    private readonly RunFingerprint _fingerprint;
    private readonly TrainLog _log;
    private readonly long _lastPosition;
    private TrainingProgress _progress;
    private int _savedStep = -1;

    /// <summary>Prepares a run, from its newest checkpoint if there is one.</summary>
    public TrainingRun(TrainingRequest request, TrainingData data, TrainedModel model, LoraConfig config, StageContext context)
    {
        (_request, _data, _model, _config, _context) = (request, data, model, config, context);
        var rowsPerStep = (long)request.BatchSize * request.GradientAccumulationSteps;
        if (request.TrainingSteps > 0)
        {
            TotalSteps = request.TrainingSteps;
            _lastPosition = long.MaxValue;
        }
        else
        {
            _lastPosition = (long)data.Training.Count * request.Epochs;
            TotalSteps = checked((int)((_lastPosition + rowsPerStep - 1) / rowsPerStep));
        }

        _learningRate = new LearningRate(request.LearningRate, WarmupSteps(request), TotalSteps, request.LrScheduler);
        _order = data.GroupByLength && request is { Shuffle: true, BatchSize: > 1 }
            ? new SampleOrder([.. data.Training.Select(row => row.Length)], request.Seed, request.BatchSize)
            : new SampleOrder(data.Training.Count, request.Shuffle ? request.Seed : null);
        _optimizer = new AdamW(model.Parameters, request.WeightDecay, request.FusedKernels);
        _checkpoints = new CheckpointFolder(context.ResumeFolder, request.SaveTotalLimit, context.Logger);
        _fingerprint = RunFingerprint.Of(request, data);

        if (!request.Resume) _checkpoints.Clear();
        string? earlierLog = null;
        _progress = _checkpoints.LoadNewest(folder =>
        {
            var progress = TrainingCheckpoint.Read(folder, model.Parameters, _optimizer, _fingerprint);
            earlierLog = Path.Combine(folder, TrainLog.FileName);
            return progress;
        }) ?? new TrainingProgress();
        _savedStep = _progress.Step;
        _log = new TrainLog(context.OutputFolder, context.TimeProvider, earlierLog);
    }

    /// <summary>Optimizer steps of the whole run.</summary>
    public int TotalSteps { get; }

    /// <summary>Optimizer steps done.</summary>
    public TrainingProgress Progress => _progress;

    /// <summary>What was logged.</summary>
    public TrainLog Log => _log;

    /// <summary>The checkpoints of the run.</summary>
    public CheckpointFolder Checkpoints => _checkpoints;

    /// <summary>The optimizer step whose values the model has: the last one, or that of the best validation.</summary>
    public int OutputStep { get; private set; }

    /// <summary>Whether the run ended because the validation loss no longer improved.</summary>
    public bool StoppedEarly => _request.EarlyStoppingPatience > 0 && _progress.Best.WithoutImprovement >= _request.EarlyStoppingPatience;

    /// <summary>Trains to the end, or until the validation loss no longer improves.</summary>
    /// <returns>The run's figures, by name.</returns>
    /// <exception cref="OperationCanceledException">The run was stopped; a checkpoint of the last complete step is there.</exception>
    /// <exception cref="AlpacaException">The loss is no number any more, or the disk is full; the last checkpoint is left as it is.</exception>
    public IReadOnlyDictionary<string, double> Execute(CancellationToken cancellationToken)
    {
        using var task = _context.Progress.Start("training", TotalSteps, ProgressUnit.Steps);
        task.Report(_progress.Step);
        try
        {
            while (true)
            {
                var step = _progress.Step;
                if (EvaluationIsDue(step)) Evaluate(step, cancellationToken);
                if (_request.SaveSteps > 0 && step > 0 && step % _request.SaveSteps == 0) Save();
                if (step == TotalSteps || StoppedEarly) break;
                cancellationToken.ThrowIfCancellationRequested();
                TrainStep(step, task, cancellationToken);
            }
        }
        catch (OperationCanceledException)
        {
            Save();
            throw;
        }

        if (StoppedEarly && _progress.Step < TotalSteps)
            _context.Logger.LogInformation("Stopped after step {Step} of {Total}: {Count} validations in a row were no better", _progress.Step, TotalSteps, _progress.Best.WithoutImprovement);
        OutputStep = _progress.Step;
        if (KeepsBest && _progress.Best.Step is { } best && best != _progress.Step)
        {
            TrainingCheckpoint.ReadValues(_checkpoints.PathOf(best), _model.Parameters);
            OutputStep = best;
            _context.Logger.LogInformation("The adapter is that of step {Step}, which has the lowest validation loss, {Loss:F4}", best, _progress.Best.Loss);
        }

        return Metrics();
    }

    /// <inheritdoc />
    public void Dispose()
    {
        _optimizer.Dispose();
        _log.Dispose();
    }

    private bool KeepsBest => _request.LoadBestModelAtEnd || _request.EarlyStoppingPatience > 0;

    private void TrainStep(int step, IProgressTask task, CancellationToken cancellationToken)
    {
        var started = _context.TimeProvider.GetTimestamp();
        var rows = RowsOf(step);
        var learningRate = _learningRate.At(step);
        var (loss, norm) = Update([.. rows.Chunk(_request.BatchSize)], step, learningRate, cancellationToken);
        var tokens = rows.Sum(row => row.Length);
        var seconds = _context.TimeProvider.GetElapsedTime(started).TotalSeconds;
        _progress = _progress.Add(loss, tokens, seconds);

        var speed = seconds > 0 ? tokens / seconds : 0;
        var done = step + 1;
        if (done == 1 || done % _request.LoggingSteps == 0) _log.Write(new LoggedStep(done, loss, learningRate, norm, speed, tokens));
        task.SetStatus(string.Create(CultureInfo.InvariantCulture, $"loss {loss:F4} lr {learningRate:0.00e+0} {speed:F0} tok/s {Environment.WorkingSet / 1e9:F1} GB"));
        task.Report(done);
    }

    /// <summary>One optimizer step, or none of it when it is cancelled: values and moments change only once the whole gradient is there.</summary>
    /// <returns>The step's loss, and its gradient's norm before clipping.</returns>
    private (float Loss, float Norm) Update(IReadOnlyList<IReadOnlyList<TrainingRow>> microBatches, int step, double learningRate, CancellationToken cancellationToken)
    {
        using var scope = NewDisposeScope();
        var gradient = _model.Parameters.Gradient;
        gradient.zero_();
        var loss = _model.Backward(microBatches, step + 1, cancellationToken);

        // The only place in a step where the host waits for the device: two numbers at once.
        using var figures = cat([loss, gradient.norm().view(1)]).cpu();
        var (lossValue, norm) = (figures.data<float>()[0], figures.data<float>()[1]);
        if (!float.IsFinite(lossValue) || !float.IsFinite(norm))
        {
            throw new AlpacaException(string.Create(
                CultureInfo.InvariantCulture,
                $"Training stopped at step {step + 1}: the loss is {lossValue} and the gradient's norm {norm} with {PlacesOf(microBatches)}; the last checkpoint is left as it is; lower LearningRate, or use Precision fp32 or bf16 if it is fp16."));
        }

        // As PyTorch's clip_grad_norm_.
        var shrink = _request.MaxGradNorm / (norm + 1e-6);
        if (_request.MaxGradNorm > 0 && shrink < 1) gradient.mul_(shrink);
        _optimizer.Step(step + 1, learningRate);
        return (lossValue, norm);
    }

    private static string PlacesOf(IReadOnlyList<IReadOnlyList<TrainingRow>> microBatches)
        => Listing.Of([.. microBatches.SelectMany(rows => rows).Select(row => row.Sample.Place.ToString())]);

    private int WarmupSteps(TrainingRequest request) => request.WarmupRatio > 0 ? (int)Math.Ceiling(request.WarmupRatio * TotalSteps) : request.WarmupSteps;

    // Step s takes the rows s·W … s·W + W - 1 of the order, W = batch size · accumulation steps; when training by epochs, the last step stops at the last epoch's end.
    private List<TrainingRow> RowsOf(int step)
    {
        var window = (long)_request.BatchSize * _request.GradientAccumulationSteps;
        var rows = new List<TrainingRow>();
        for (var position = step * window; position < Math.Min((step + 1) * window, _lastPosition); position++)
            rows.Add(_data.Training[_order[position]]);
        return rows;
    }

    private bool EvaluationIsDue(int step)
        => _data.Validation.Count > 0
        && (_log.Validations is not [.., var last] || last.Step != step)
        && (step == 0 || step == TotalSteps || (_request.EvalSteps > 0 && step % _request.EvalSteps == 0));

    private void Evaluate(int step, CancellationToken cancellationToken)
    {
        using var noGrad = no_grad();
        using var task = _context.Progress.Start("validation", _data.Validation.Count, ProgressUnit.Items);
        var (sum, hits, supervised, done) = (0.0, 0.0, 0L, 0);
        // Rows of similar length stand together, which leaves little padding.
        foreach (var rows in _data.Validation.OrderByDescending(row => row.Length).Chunk(_request.BatchSize))
        {
            cancellationToken.ThrowIfCancellationRequested();
            using var sums = _model.LossAndHits(rows);
            using var figures = sums.cpu();
            sum += figures.data<float>()[0];
            hits += figures.data<float>()[1];
            supervised += rows.Sum(row => row.SupervisedTokens);
            task.Report(done += rows.Length);
        }

        var mean = sum / supervised;
        if (!double.IsFinite(mean)) throw new AlpacaException($"The validation loss at step {step} is no number; check the base model, or use Precision fp32 or bf16 if it is fp16.");
        var validation = new LoggedValidation(step, mean, hits / supervised);
        _log.Write(validation);
        _context.Logger.LogInformation(
            "Step {Step}: evalLoss {Loss:F4}, perplexity {Perplexity:F3}, accuracy {Accuracy:P1}", step, mean, validation.Perplexity, validation.Accuracy);
        if (step == 0) return;
        _progress = _progress with { Best = _progress.Best.Add(step, mean, _request.EarlyStoppingThreshold) };
        if (KeepsBest && _progress.Best.Step == step) Save();
    }

    private void Save()
    {
        if (_savedStep == _progress.Step) return;
        _checkpoints.Save(_progress.Step, KeepsBest ? _progress.Best.Step : null, folder => TrainingCheckpoint.Write(folder, _config, _model.Parameters, _optimizer, _log, _progress, _fingerprint));
        _savedStep = _progress.Step;
    }

    private Dictionary<string, double> Metrics()
    {
        var metrics = new Dictionary<string, double>
        {
            ["trainLoss"] = _progress.LossSum / _progress.Step,
            ["seconds"] = _progress.Seconds,
            ["tokensPerSecond"] = _progress.Seconds > 0 ? _progress.Tokens / _progress.Seconds : 0,
        };
        if (_log.Validations.LastOrDefault(v => v.Step == OutputStep) is { } validation)
        {
            metrics["evalLoss"] = validation.Loss;
            metrics["perplexity"] = validation.Perplexity;
            metrics["accuracy"] = validation.Accuracy;
        }

        if (KeepsBest) metrics["outputStep"] = OutputStep;
        return metrics;
    }
}
