using System.Text;
using Alpaca.Abstractions;
using static Alpaca.Host.Tests.WebhookReceiver;

namespace Alpaca.Host.Tests;

/// <summary>Webhooks of the service as a whole.</summary>
public sealed class NotificationWholeServiceTests
{
    private const string AtStartup = """, "Schedule": { "RunAtStartup": true }, "Retry": { "MaxRetries": 0 }""";

    [Fact]
    public async Task Serve_PipelineFails_WebhookIsToldWhy()
    {
        await using var receiver = await WebhookReceiver.StartAsync();
        await using var bench = new ServiceBench(AtStartup, """ "acme-note": { "Text": "Hello", "Mishap": "error" } """);
        bench.Start($"Notifications:Webhooks:team:Url={receiver.Url}");

        await receiver.UntilAsync(1);

        var told = receiver.Requests[0].Json;
        told["event"]!.GetValue<string>().Should().Be("failed");
        told["reason"]!.GetValue<string>().Should().Be("Stage acme-note failed: The pen ran dry; refill it.");
        told["stage"]!.GetValue<string>().Should().Be("acme-note");
        told["trigger"]!.GetValue<string>().Should().Be("startup");
        told["run"]!.GetValue<long>().Should().Be(bench.History.Single().Id);
        told["machine"]!.GetValue<string>().Should().Be(Environment.MachineName);
        await bench.StopAsync();
        Directory.EnumerateFiles(bench.Folder.Combine("workspace"), "*", SearchOption.AllDirectories).Where(file => File.ReadAllText(file, Encoding.Latin1).Contains(Token)).Should().BeEmpty("no record has the address");
    }

    [Fact]
    public async Task Serve_VersionFailsARule_WebhookIsToldTheFigures()
    {
        await using var receiver = await WebhookReceiver.StartAsync();
        await using var bench = new ServiceBench(AtStartup + """, "Promotion": { "Rules": ["copies >= 2"] }""");
        bench.Start($"Notifications:Webhooks:team:Url={receiver.Url}");

        await receiver.UntilAsync(2);

        receiver.Requests.Select(request => request.Event).Should().Equal("rejected", "succeeded");
        foreach (var told in receiver.Requests.Select(request => request.Json))
        {
            told["version"]!.GetValue<int>().Should().Be(1);
            told["reason"]!.GetValue<string>().Should().Be("It failed 'copies >= 2' (1 against 2).");
            told["verdict"]!["outcome"]!.GetValue<string>().Should().Be("rejected");
            told["verdict"]!["rules"]![0]!["value"]!.GetValue<double>().Should().Be(1);
        }
    }

    [Fact]
    public async Task Serve_RunCannotBeStarted_WebhookIsToldToo()
    {
        await using var receiver = await WebhookReceiver.StartAsync();
        await using var bench = new ServiceBench(AtStartup + """, "Promotion": { "Rules": ["copies >= 1"] }""", """ "acme-note": { "Text": "Hello" }, "next": { "Uses": "acme-note", "Text": "x", "Inputs": { "Earlier": "@champion" } } """);
        bench.Folder.Write("workspace/registry/notes/aliases.json", "{ damaged");
        bench.Start($"Notifications:Webhooks:team:Url={receiver.Url}");

        await receiver.UntilAsync(1);

        var told = receiver.Requests[0].Json;
        told["event"]!.GetValue<string>().Should().Be("failed");
        told["run"].Should().BeNull();
        told["reason"]!.GetValue<string>().Should().Contain("aliases.json");
    }

    [Fact]
    public async Task Serve_StopsWhileAReceiverHangs_EndsWithinTheDrain()
    {
        await using var receiver = await WebhookReceiver.StartAsync(Hang);
        await using var bench = new ServiceBench(AtStartup);
        bench.Start($"Notifications:Webhooks:team:Url={receiver.Url}", "Notifications:Webhooks:team:TimeoutSeconds=300");
        await receiver.UntilAsync(1);

        await bench.StopAsync(); // which waits for a minute, and the receiver hangs for five

        receiver.Requests.Should().ContainSingle();
        bench.History.Should().OnlyContain(run => run.Outcome == RunOutcome.Succeeded);
    }

    [Fact]
    public async Task Serve_WebhooksAndAScheduleAreWrong_ReportsAllAtOnce()
    {
        await using var bench = new ServiceBench(""", "Schedule": { "Cron": "soon" }""");
        bench.Start("Notifications:Webhooks:team:Url=nowhere", "Notifications:Webhooks:team:Format=Fax");

        await FluentActions.Awaiting(() => bench.UntilAsync(() => false)).Should().ThrowAsync<AlpacaUsageException>()
            .WithMessage("*Schedule:Cron is 'soon'*").WithMessage("*team:Url must be*").WithMessage("*team:Format is 'Fax'*");
        await FluentActions.Awaiting(bench.StopAsync).Should().ThrowAsync<AlpacaUsageException>();
    }
}
