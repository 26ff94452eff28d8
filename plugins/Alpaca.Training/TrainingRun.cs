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
    private readonly string _fingerprint;
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

        string? earlierLog = null;
        _progress = _checkpoints.LoadNewest(folder =>
        {
            var progress = TrainingCheckpoint.Read(folder, model.Parameters, _optimizer, _fingerprint);
            earlierLog = Path.Combine(folder, TrainLog.FileName);
            return progress;
        }) ?? new TrainingProgress();
        _savedStep = _progress.Step;
        _log = new TrainLog(context.OutputFolder, earlierLog);
    }

    /// <summary>Optimizer steps of the whole run.</summary>
    public int TotalSteps { get; }

    /// <summary>Trains to the end.</summary>
    /// <returns>The run's figures, by name.</returns>
    /// <exception cref="OperationCanceledException">The run was stopped; a checkpoint of the last complete step is there.</exception>
    /// <exception cref="AlpacaException">The loss is no number any more; the last checkpoint is left as it is.</exception>
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
                if (step == TotalSteps) break;
                cancellationToken.ThrowIfCancellationRequested();
                TrainStep(step, task);
            }
        }
        catch (OperationCanceledException)
        {
            Save();
            throw;
        }

        return Metrics();
    }

    /// <inheritdoc />
    public void Dispose() => _optimizer.Dispose();

    private void TrainStep(int step, IProgressTask task)
    {
        var started = _context.TimeProvider.GetTimestamp();
        var rows = RowsOf(step);
        var learningRate = _learningRate.At(step);
        var (loss, norm) = Update([.. rows.Chunk(_request.BatchSize)], step, learningRate);
        var tokens = rows.Sum(row => row.Length);
        var seconds = _context.TimeProvider.GetElapsedTime(started).TotalSeconds;
        _progress = _progress.Add(loss, tokens, seconds);

        var speed = seconds > 0 ? tokens / seconds : 0;
        var done = step + 1;
        if (done == 1 || done % _request.LoggingSteps == 0) _log.WriteStep(done, loss, learningRate, norm, speed, tokens);
        task.Report(done);
        task.SetStatus(string.Create(CultureInfo.InvariantCulture, $"loss {loss:F4} lr {learningRate:0.00e+0} {speed:F0} tok/s"));
    }

    /// <summary>One optimizer step.</summary>
    /// <returns>The step's loss, and its gradient's norm before clipping.</returns>
    private (float Loss, float Norm) Update(IReadOnlyList<IReadOnlyList<TrainingRow>> microBatches, int step, double learningRate)
    {
        using var scope = NewDisposeScope();
        var gradient = _model.Parameters.Gradient;
        gradient.zero_();
        var loss = _model.Backward(microBatches, step + 1);

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
        => Listing.Of([.. microBatches.SelectMany(rows => rows).SelectMany(row => row.Samples).Select(sample => sample.Place.ToString())]);

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
        && _log.LastEvaluation?.Step != step
        && (step == 0 || step == TotalSteps || (_request.EvalSteps > 0 && step % _request.EvalSteps == 0));

    private void Evaluate(int step, CancellationToken cancellationToken)
    {
        using var noGrad = no_grad();
        using var task = _context.Progress.Start("validation", _data.Validation.Count, ProgressUnit.Items);
        var (sum, supervised, done) = (0.0, 0L, 0);
        // Rows of similar length stand together, which leaves little padding.
        foreach (var rows in _data.Validation.OrderByDescending(row => row.Length).Chunk(_request.BatchSize))
        {
            cancellationToken.ThrowIfCancellationRequested();
            using var loss = _model.LossSum(rows);
            sum += loss.item<float>();
            supervised += rows.Sum(row => row.SupervisedTokens);
            task.Report(done += rows.Length);
        }

        var mean = sum / supervised;
        if (!double.IsFinite(mean)) throw new AlpacaException($"The validation loss at step {step} is no number; check the base model, or use Precision fp32 or bf16 if it is fp16.");
        _log.WriteEvaluation(step, mean, Perplexity(mean));
        _context.Logger.LogInformation("Step {Step}: evalLoss {Loss:F4}, perplexity {Perplexity:F3}", step, mean, Perplexity(mean));
    }

    private void Save()
    {
        if (_savedStep == _progress.Step) return;
        _checkpoints.Save(_progress.Step, folder => TrainingCheckpoint.Write(folder, _config, _model.Parameters, _optimizer, _log, _progress, _fingerprint));
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
        if (_log.LastEvaluation is { } evaluation)
        {
            metrics["evalLoss"] = evaluation.Loss;
            metrics["perplexity"] = Perplexity(evaluation.Loss);
        }

        return metrics;
    }

    // JSON has no infinity.
    private static double Perplexity(double loss) => Math.Min(Math.Exp(loss), double.MaxValue);
}
