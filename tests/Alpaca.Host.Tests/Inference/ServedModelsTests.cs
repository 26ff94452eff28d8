using Alpaca.Abstractions;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;

namespace Alpaca.Host.Tests;

public sealed class ServedModelsTests : IDisposable
{
    private readonly FakeTimeProvider _time = new();
    private readonly Dictionary<string, ScriptedGenerator> _loaded = [];
    private readonly Fallback _fallback = new();
    private readonly ServedModels _served;
    private Func<ServingPlan?> _read = () => null;
    private Func<string, Task> _loading = _ => Task.CompletedTask;
    private Func<ScriptedGenerator> _create = () => new ScriptedGenerator("yes");

    public ServedModelsTests() => _served = new ServedModels(() => _read(), LoadAsync, _fallback, _time, NullLogger<ServedModels>.Instance);

    public void Dispose() => _served.Dispose();

    [Fact]
    public async Task Acquire_BeforeAnythingIsLoaded_SaysThatItLoads()
    {
        var act = () => _served.Acquire(null);
        act.Should().Throw<ModelUnavailableException>().WithMessage("Loading model");

        await _served.LookAsync(default);

        act.Should().Throw<ModelUnavailableException>().WithMessage("There is no model to serve*Inference:Model*");
    }

    [Fact]
    public async Task WaitUntilLoadedAsync_WhileLoading_WaitsAndThenGoesOn()
    {
        var loaded = new TaskCompletionSource();
        _loading = _ => loaded.Task;
        var looking = ServeAsync("a");
        var waiting = _served.WaitUntilLoadedAsync();
        waiting.IsCompleted.Should().BeFalse();

        loaded.SetResult();
        await looking;

        await waiting.WaitAsync(TimeSpan.FromMinutes(2));
    }

    [Fact]
    public async Task WaitUntilLoadedAsync_NothingToLoad_SaysSo()
    {
        await _served.LookAsync(default);

        await _served.Invoking(s => s.WaitUntilLoadedAsync()).Should().ThrowAsync<ModelUnavailableException>().WithMessage("There is no model to serve*");
    }

    [Fact]
    public async Task LookAsync_NewPlan_ServesIt()
    {
        await ServeAsync("a");

        using var lease = _served.Acquire("");
        lease.Served.Name.Should().Be("a");
        var unknown = () => _served.Acquire("b");
        unknown.Should().Throw<UnknownModelException>().WithMessage("*'b'*there is a*");
    }

    [Fact]
    public async Task LookAsync_SamePlan_LoadsNothing()
    {
        await ServeAsync("a");
        var first = _loaded["a"];

        await ServeAsync("a");

        _loaded["a"].Should().BeSameAs(first);
    }

    [Fact]
    public async Task LookAsync_AnotherPlan_KeepsTheOldModelForThoseWhoUseIt()
    {
        await ServeAsync("a");
        var old = _served.Acquire("a");

        await ServeAsync("b");

        using (var lease = _served.Acquire(null)) lease.Served.Name.Should().Be("b");
        _loaded["a"].Disposed.Should().BeFalse("it is in use");
        old.Dispose();
        old.Dispose(); // ends one use only
        await UntilAsync(() => _loaded["a"].Disposed);
        _loaded["b"].Disposed.Should().BeFalse();
    }

    [Fact]
    public async Task LookAsync_PlanThatDoesNotLoad_KeepsTheOldModelAndIsTriedOnce()
    {
        await ServeAsync("a");
        var attempts = 0;
        _loading = _ =>
        {
            attempts++;
            throw new AlpacaException("The folder is empty.");
        };

        await ServeAsync("bad");
        await ServeAsync("bad");

        attempts.Should().Be(1);
        using var lease = _served.Acquire(null);
        lease.Served.Name.Should().Be("a");
        _loaded["a"].Disposed.Should().BeFalse();
    }

    [Fact]
    public async Task LookAsync_ChampionThatDoesNotLoadAfterAnother_IsRolledBackWithoutLoadingTheOtherAgain()
    {
        await ServeAsync("old");
        var old = _loaded["old"];
        _fallback.Earlier = Plan("old");
        _loading = name => throw new AlpacaException($"{name} is empty.");

        await ServeAsync("new");

        _fallback.Confirmed.Should().Equal("new: new is empty.");
        _served.Models.Single().Name.Should().Be("old");
        _loaded["old"].Should().BeSameAs(old);
    }

    [Fact]
    public async Task LookAsync_FirstChampionAfterAStartDoesNotLoad_TheOneBeforeProvesThatItIsTheModelsFault()
    {
        _fallback.Earlier = Plan("old");
        _loading = name => name == "new" ? throw new AlpacaException("new is empty.") : Task.CompletedTask;

        await ServeAsync("new");

        _fallback.Confirmed.Should().Equal("new: new is empty.");
        _served.Models.Single().Name.Should().Be("old");
    }

    [Fact]
    public async Task LookAsync_NeitherChampionNorTheOneBeforeLoads_RollsNothingBack()
    {
        _fallback.Earlier = Plan("old");
        _loading = name => throw new AlpacaException("There is no GPU.");

        await ServeAsync("new");
        await ServeAsync("new");

        _fallback.Confirmed.Should().BeEmpty("the fault is not the model's");
        _served.Invoking(s => s.Acquire(null)).Should().Throw<ModelUnavailableException>().WithMessage("The model could not be loaded*");
    }

    [Fact]
    public async Task LookAsync_RolledBackChampionIsPromotedAgain_IsTriedAgain()
    {
        await ServeAsync("old");
        _fallback.Earlier = Plan("old");
        _loading = name => throw new AlpacaException($"{name} is empty.");
        await ServeAsync("new");
        _loading = _ => Task.CompletedTask;
        await ServeAsync("old");

        await ServeAsync("new");

        _served.Models.Single().Name.Should().Be("new");
    }

    [Theory]
    [InlineData("", 0f, "*has no answer to '你好'*")]
    [InlineData("yes", float.NaN, "*the log-probability NaN*")]
    [InlineData("yes", float.NegativeInfinity, "*the log-probability -*")]
    public async Task LookAsync_ModelThatHasNothingToSay_IsNotServed(string answer, float logProbability, string reason)
    {
        await ServeAsync("old");
        _fallback.Earlier = Plan("old");
        _create = () => new ScriptedGenerator(answer) { LogProbability = logProbability };
        _read = () => Plan("new") with { TrialPrompt = "你好" };

        await _served.LookAsync(default);

        _fallback.Confirmed.Should().ContainSingle().Which.Should().Match($"new: {reason}");
        _served.Models.Single().Name.Should().Be("old");
        _loaded["new"].Disposed.Should().BeTrue();
    }

    [Fact]
    public async Task LookAsync_TrialPrompt_IsAskedInTheTemplate()
    {
        _read = () => Plan("a") with { TrialPrompt = "你好" };

        await _served.LookAsync(default);

        _loaded["a"].Prompts.Should().ContainSingle().Which.Should().Contain("### Instruction").And.Contain("你好");
        _served.Models.Single().Name.Should().Be("a");
    }

    [Fact]
    public async Task LookAsync_ConfigurationThatCannotBeRead_KeepsTheOldModel()
    {
        await ServeAsync("a");
        _read = () => throw new AlpacaUsageException("appsettings.json is no JSON.");

        await _served.LookAsync(default);
        await _served.LookAsync(default);

        using var lease = _served.Acquire(null);
        lease.Served.Name.Should().Be("a");
    }

    [Fact]
    public async Task LookAsync_ChangeDuringLoading_GivesUpWhatIsNoLongerWanted()
    {
        await ServeAsync("a");
        var slow = new TaskCompletionSource();
        _loading = name => name == "slow" ? slow.Task : Task.CompletedTask;
        _read = () => Plan("slow");
        var looking = _served.LookAsync(default);
        _read = () => Plan("b");

        _time.Advance(ServedModels.Period);
        await Task.Delay(50);
        slow.SetResult();
        await looking.WaitAsync(TimeSpan.FromMinutes(2));
        await _served.LookAsync(default);

        using var lease = _served.Acquire(null);
        lease.Served.Name.Should().Be("b");
        await UntilAsync(() => !_loaded.TryGetValue("slow", out var model) || model.Disposed);
    }

    [Fact]
    public async Task LookAsync_UnloadFirst_LoadsWhenTheOldOneHasGone()
    {
        await ServeAsync("a");
        var wasGone = false;
        _loading = _ =>
        {
            wasGone = _loaded["a"].Disposed;
            return Task.CompletedTask;
        };
        var lease = _served.Acquire(null);
        _read = () => Plan("b") with { Swap = SwapOrder.UnloadFirst };
        var looking = _served.LookAsync(default);
        var act = () => _served.Acquire(null);
        act.Should().Throw<ModelUnavailableException>().WithMessage("Loading model");

        lease.Dispose();
        await looking.WaitAsync(TimeSpan.FromMinutes(2));

        wasGone.Should().BeTrue();
        _served.Models.Single().Name.Should().Be("b");
    }

    [Fact]
    public async Task Acquire_FromManyThreadsDuringManySwaps_GivesOnlyLoadedModels()
    {
        await ServeAsync("0");
        using var stop = new CancellationTokenSource();
        using var started = new CountdownEvent(4);
        var users = Enumerable.Range(0, 4).Select(_ => Task.Factory.StartNew(() =>
        {
            for (var uses = 0; !stop.IsCancellationRequested; uses++)
            {
                using var lease = _served.Acquire(null);
                ((ScriptedGenerator)lease.Model.Generator).Disposed.Should().BeFalse();
                if (uses == 0) started.Signal();
            }
        }, TaskCreationOptions.LongRunning)).ToList(); // threads of their own: a busy pool of two would start the last of them after the swaps
        started.Wait(TimeSpan.FromMinutes(2)).Should().BeTrue();

        for (var i = 1; i <= 50; i++) await ServeAsync(i.ToString(System.Globalization.CultureInfo.InvariantCulture));
        await stop.CancelAsync();

        await Task.WhenAll(users);
        await UntilAsync(() => Enumerable.Range(0, 50).All(i => _loaded[i.ToString(System.Globalization.CultureInfo.InvariantCulture)].Disposed));
    }

    [Fact]
    public async Task StopAsync_LoadedModel_IsUnloaded()
    {
        await ServeAsync("a");
        await _served.StopAsync(default);
        await UntilAsync(() => _loaded["a"].Disposed);
    }

    private async Task ServeAsync(string name)
    {
        _read = () => Plan(name);
        await _served.LookAsync(default);
    }

    private static ServingPlan Plan(string name) => new(name, new ModelOptions { Backend = "Scripted", Folder = name }, SwapOrder.LoadFirst) { Fingerprint = name };

    private async Task<ModelHandle> LoadAsync(ServingPlan plan, CancellationToken cancellationToken)
    {
        await _loading(plan.Name);
        return (_loaded[plan.Name] = _create()).ToHandle();
    }

    private static async Task UntilAsync(Func<bool> condition)
    {
        using var limit = new CancellationTokenSource(TimeSpan.FromMinutes(2));
        while (!condition()) await Task.Delay(10, limit.Token);
    }

    /// <summary>Goes back to one plan, and remembers what was confirmed.</summary>
    private sealed class Fallback : IServingFallback
    {
        public ServingPlan? Earlier { get; set; }

        public List<string> Confirmed { get; } = [];

        public ServingPlan? For(ServingPlan failed) => Earlier;

        public void Confirm(ServingPlan failed, string reason) => Confirmed.Add($"{failed.Name}: {reason}");
    }
}
