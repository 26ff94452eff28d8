using Alpaca.Abstractions;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Alpaca.Host;

/// <summary>The model that is to be served, loaded in the background, and changed while requests go on.</summary>
/// <remarks>
/// Every few seconds it looks at what is to be served: configuration, the newest model of the default pipeline, the files of the model. Where that has changed, the new model is loaded and tried, new requests go to it
/// from one moment to the next, and the old one is unloaded when its last request has ended. What cannot be loaded is logged once, and the old one goes on; a champion that cannot be is rolled back, where the one before it can.
/// </remarks>
/// <param name="read">What is to be served now; <see langword="null"/> for nothing.</param>
/// <param name="load">Loads it.</param>
/// <param name="fallback">What goes on where it cannot be loaded.</param>
/// <param name="time">The clock.</param>
/// <param name="log">Where changes are told.</param>
internal sealed class ServedModels(
    Func<ServingPlan?> read, Func<ServingPlan, CancellationToken, Task<ModelHandle>> load, IServingFallback fallback, TimeProvider time, ILogger<ServedModels> log) : BackgroundService, IServedModels
{
    /// <summary>How often it looks.</summary>
    public static readonly TimeSpan Period = TimeSpan.FromSeconds(2);

    private const string Loading = "Loading model";
    private const string NotLoaded = "The model could not be loaded; the server's log says why.";

    private volatile LoadedModel? _current;
    private volatile string _unavailable = Loading;
    private string? _refusedFingerprint;
    private string? _complaint;
    private string? _suspicion;

    /// <inheritdoc />
    public IReadOnlyList<ServedModel> Models => _current?.Models ?? [];

    /// <inheritdoc />
    public ModelLease Acquire(string? name)
    {
        while (true)
        {
            var current = _current ?? throw Unavailable();
            var served = string.IsNullOrEmpty(name) ? current.Models[0] : current.Models.FirstOrDefault(model => model.Name == name);
            if (served is null) throw new UnknownModelException($"There is no model '{name}'; there is {string.Join(", ", current.Models.Select(model => model.Name))}.");
            // It can be unloaded between the two lines; then another one is there already, or soon.
            if (current.TryUse()) return new ModelLease(served, current.HandleOf(served), served.Parent is null ? null : served.Name, current.Release);
        }
    }

    private ModelUnavailableException Unavailable()
    {
        var reason = _unavailable;
        return new ModelUnavailableException(reason) { IsLoading = reason == Loading };
    }

    /// <summary>Looks once, and loads what is to be served if that is something new.</summary>
    public async Task LookAsync(CancellationToken cancellationToken)
    {
        if (!TryRead(out var plan)) return;
        if (plan is null)
        {
            if (_current is not null) return;
            _unavailable = "There is no model to serve; set Inference:Model, or run the pipeline that makes one (and promote it, where that is by hand).";
            if (_complaint != _unavailable) log.NoModelToServe();
            _complaint = _unavailable;
            return;
        }

        if (plan.Fingerprint == _current?.Plan.Fingerprint || plan.Fingerprint == _refusedFingerprint) return;
        _refusedFingerprint = _complaint = null;
        try
        {
            await ReplaceAsync(plan, cancellationToken);
        }
        catch (OperationCanceledException)
        {
            // The worker is stopping, or something else is to be served by now, which the next look finds.
        }
        catch (Exception e)
        {
            await RefuseAsync(plan, e, cancellationToken);
        }
    }

    /// <summary>Keeps what is served, and goes back to what was served before where a champion turns out to be unusable.</summary>
    private async Task RefuseAsync(ServingPlan plan, Exception problem, CancellationToken cancellationToken)
    {
        _refusedFingerprint = plan.Fingerprint;
        _unavailable = NotLoaded;
        if (_current is { } old) log.ModelKept(old.Models[0].Name, old.Plan.Model.Folder, problem.Message, problem is AlpacaException ? null : problem);
        else log.ModelNotServed(problem.Message, problem is AlpacaException ? null : problem);
        try
        {
            if (fallback.For(plan) is not { } earlier || earlier.Fingerprint == plan.Fingerprint) return;

            // That the earlier one runs with the same configuration shows that the fault is not there.
            if (earlier.Fingerprint != _current?.Plan.Fingerprint) await ReplaceAsync(earlier, cancellationToken, isFinal: true);
            fallback.Confirm(plan, problem.Message);
            _refusedFingerprint = null; // nobody wants it any more; who promotes it again wants it tried again
        }
        catch (OperationCanceledException)
        {
            // The worker is stopping.
        }
        catch (Exception e)
        {
            _unavailable = NotLoaded;
            log.NotRolledBack(e.Message, e is AlpacaException ? null : e);
        }
    }

    /// <inheritdoc />
    public override async Task StopAsync(CancellationToken cancellationToken)
    {
        await base.StopAsync(cancellationToken);
        Interlocked.Exchange(ref _current, null)?.Release();
    }

    /// <inheritdoc />
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        await Task.Yield(); // the start of the worker does not wait for it
        while (!stoppingToken.IsCancellationRequested)
        {
            await LookAsync(stoppingToken);
            await Task.Delay(Period, time, stoppingToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    /// <param name="plan">What is to be served.</param>
    /// <param name="cancellationToken">Stops the worker.</param>
    /// <param name="isFinal">Whether it is loaded whatever else is to be served meanwhile.</param>
    private async Task ReplaceAsync(ServingPlan plan, CancellationToken cancellationToken, bool isFinal = false)
    {
        if (_current is null) _unavailable = Loading;
        else if (plan.Swap == SwapOrder.UnloadFirst) await UnloadAsync(cancellationToken);

        var model = isFinal ? await LoadAndTryAsync(plan, cancellationToken) : await LoadAsync(plan, cancellationToken);
        LoadedModel loaded;
        try
        {
            loaded = new LoadedModel(plan, model, time.GetUtcNow());
        }
        catch
        {
            model.Dispose(); // a tokenizer of an adapter cannot be read
            throw;
        }

        var old = Interlocked.Exchange(ref _current, loaded);
        log.ModelServed(plan.Name, plan.Model.Folder, model.Backend);
        old?.Release();
    }

    private async Task UnloadAsync(CancellationToken cancellationToken)
    {
        _unavailable = Loading;
        if (Interlocked.Exchange(ref _current, null) is not { } old) return;
        old.Release();
        await old.Unloaded.WaitAsync(cancellationToken);
    }

    /// <summary>Loads a model unless something else is to be served before it is done.</summary>
    private async Task<ModelHandle> LoadAsync(ServingPlan plan, CancellationToken cancellationToken)
    {
        using var giveUp = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var loading = LoadAndTryAsync(plan, giveUp.Token);
        while (await Task.WhenAny(loading, Task.Delay(Period, time, giveUp.Token)) != loading)
        {
            if (!giveUp.IsCancellationRequested && TryRead(out var now) && now?.Fingerprint != plan.Fingerprint) await giveUp.CancelAsync();
            if (giveUp.IsCancellationRequested) break;
        }

        var model = await loading;
        if (!giveUp.IsCancellationRequested) return model;
        model.Dispose();
        throw new OperationCanceledException(giveUp.Token);
    }

    /// <summary>Loads a model and tries it.</summary>
    private async Task<ModelHandle> LoadAndTryAsync(ServingPlan plan, CancellationToken cancellationToken)
    {
        var model = await load(plan, cancellationToken);
        try
        {
            await ModelTrial.RunAsync(model, plan.TrialPrompt, cancellationToken);
            return model;
        }
        catch
        {
            model.Dispose();
            throw;
        }
    }

    /// <summary>Reads what is to be served. A problem counts when it is still there at the next look: editors write files in several steps.</summary>
    private bool TryRead(out ServingPlan? plan)
    {
        plan = null;
        try
        {
            plan = read();
            _suspicion = null;
            return true;
        }
        catch (Exception e) when (e is AlpacaException or IOException or UnauthorizedAccessException)
        {
            if (_suspicion == e.Message && _complaint != e.Message)
            {
                _complaint = e.Message;
                if (_current is null) _unavailable = "The configuration cannot be used; the server's log says why.";
                log.ConfigurationNotUsed(e.Message);
            }

            _suspicion = e.Message;
            return false;
        }
    }
}

/// <summary>A loaded model, and how many use it.</summary>
internal sealed class LoadedModel
{
    private readonly ModelHandle _model;
    private readonly Dictionary<string, ModelHandle> _handles;
    private readonly TaskCompletionSource _unloaded = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private int _uses = 1; // its being served

    public LoadedModel(ServingPlan plan, ModelHandle model, DateTimeOffset loadedAt)
    {
        (Plan, _model) = (plan, model);
        var sources = plan.Model.Inference.Adapters;
        Models = [new ServedModel(plan.Name, loadedAt, null), .. sources.Select(adapter => new ServedModel(adapter.Name, loadedAt, plan.Name))];
        _handles = sources.ToDictionary(adapter => adapter.Name, adapter => ModelLoader.WithAdapter(model, adapter));
    }

    public ServingPlan Plan { get; }

    public IReadOnlyList<ServedModel> Models { get; }

    /// <summary>Ends when the last use has ended and the memory is free.</summary>
    public Task Unloaded => _unloaded.Task;

    public ModelHandle HandleOf(ServedModel served) => served.Parent is null ? _model : _handles[served.Name];

    /// <returns>Whether it can be used; not once it is no longer served and all uses have ended.</returns>
    public bool TryUse()
    {
        for (var uses = Volatile.Read(ref _uses); uses > 0; uses = Volatile.Read(ref _uses))
        {
            if (Interlocked.CompareExchange(ref _uses, uses + 1, uses) == uses) return true;
        }

        return false;
    }

    /// <summary>Ends a use.</summary>
    public void Release()
    {
        if (Interlocked.Decrement(ref _uses) == 0) _ = Task.Run(Unload);
    }

    private void Unload()
    {
        try
        {
            _model.Dispose();
            NativeHeap.Trim();
        }
        finally
        {
            _unloaded.SetResult();
        }
    }
}
