using System.Collections;
using Microsoft.Extensions.Logging;

namespace Alpaca.Host.Tests;

/// <summary>What tells webhooks, over a configuration file in a folder of its own. Fails the test at its end if an address or a secret was logged.</summary>
internal sealed class NotificationBench : IAsyncDisposable
{
    public const string Secret = "s3cr3t-of-the-webhook";

    private static readonly DeliveryTimes Quick = new()
    {
        First = TimeSpan.FromMilliseconds(20), Longest = TimeSpan.FromMilliseconds(100), Busy = TimeSpan.FromMilliseconds(50), Drain = TimeSpan.FromMinutes(3),
    };

    private readonly TemporaryFolder _folder = new();
    private readonly ILoggerFactory _loggers;
    private readonly NotificationService _service;
    private readonly NotificationInbox _inbox;
    private bool _hasStopped;

    private NotificationBench(DeliveryTimes times, string webhooks)
    {
        _loggers = LoggerFactory.Create(logging => logging.SetMinimumLevel(LogLevel.Trace).AddProvider(Log));
        Configure(webhooks);
        var settings = AlpacaSettings.Load(_folder.Combine("appsettings.json"), null, [], null, new Hashtable());
        _inbox = new NotificationInbox(_loggers.CreateLogger<NotificationInbox>());
        Observer = new NotificationObserver(_inbox, TimeProvider.System);
        Registry = new ModelRegistry(new ArtifactStore(_folder.Combine("workspace")), TimeProvider.System, [Observer], _loggers.CreateLogger<ModelRegistry>());
        var configured = new ConfiguredWebhooks(settings, NotificationSettings.Read(settings), _loggers.CreateLogger<ConfiguredWebhooks>());
        _service = new NotificationService(_inbox, configured, Registry, times, new Random(1), TestMetrics.Create(), TimeProvider.System, _loggers.CreateLogger<NotificationService>());
    }

    public RecordingLog Log { get; } = new();

    public NotificationObserver Observer { get; }

    public ModelRegistry Registry { get; }

    /// <summary>Starts with one webhook, <c>team</c>.</summary>
    /// <param name="receiver">Where it is.</param>
    /// <param name="keys">What else there is in its section.</param>
    /// <param name="times">How patient deliveries are; as good as not at all if nothing is said.</param>
    public static Task<NotificationBench> StartAsync(WebhookReceiver receiver, string keys = "", DeliveryTimes? times = null) => StartAsync(Section("team", receiver.Url, keys), times);

    public static async Task<NotificationBench> StartAsync(string webhooks, DeliveryTimes? times = null)
    {
        var bench = new NotificationBench(times ?? Quick, webhooks);
        await bench._service.StartAsync(CancellationToken.None);
        return bench;
    }

    /// <summary>A webhook's section.</summary>
    public static string Section(string name, Uri url, string keys = "") => $$""" "{{name}}": { "Url": "{{url}}", {{keys}} }, """;

    /// <summary>Writes the configuration file.</summary>
    public void Configure(string webhooks)
        => _folder.Write("appsettings.json", $$"""{ "Pipelines": { "notes": { "Stages": { "acme-note": {} } } }, "Notifications": { "Webhooks": { {{webhooks}} } } }""");

    /// <summary>Tells that a run has failed.</summary>
    public void Fail(long run, string reason = "Stage acme-note failed: The pen ran dry; refill it.") => Observer.RunEnded(Run(run, RunOutcome.Failed, reason));

    public static RunRecord Run(long id, RunOutcome outcome, string? error = null)
        => new(id, "notes", "manual", outcome, Start, Start.AddSeconds(65), error, error is null ? [] : [new StageRecord("acme-note", "acme-note", StageOutcome.Failed, "new", Start, Start, new Dictionary<string, double>(), error, "note", null)]);

    public static DateTimeOffset Start { get; } = new(2026, 1, 2, 3, 4, 5, TimeSpan.Zero);

    /// <summary>Waits until a line with such a text was logged.</summary>
    public async Task<string> UntilLoggedAsync(string text)
    {
        using var limit = new CancellationTokenSource(TimeSpan.FromMinutes(4));
        while (true)
        {
            if (Log.Lines.FirstOrDefault(line => line.Contains(text, StringComparison.Ordinal)) is { } found) return found;
            await Task.Delay(20, limit.Token);
        }
    }

    public async Task StopAsync(CancellationToken cancellationToken = default)
    {
        _hasStopped = true;
        await _service.StopAsync(cancellationToken).WaitAsync(TimeSpan.FromMinutes(4), CancellationToken.None);
    }

    public async ValueTask DisposeAsync()
    {
        using var now = new CancellationTokenSource(TimeSpan.Zero);
        if (!_hasStopped) await StopAsync(now.Token);
        _service.Dispose();
        _loggers.Dispose();
        _folder.Dispose();
        Log.Lines.Should().NotContain(line => line.Contains(WebhookReceiver.Token) || line.Contains(WebhookReceiver.QueryToken) || line.Contains(Secret), "addresses and secrets are never logged");
    }
}
