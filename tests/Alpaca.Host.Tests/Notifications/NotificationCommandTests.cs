using static Alpaca.Host.Tests.WebhookReceiver;

namespace Alpaca.Host.Tests;

/// <summary>What commands tell webhooks.</summary>
public sealed class NotificationCommandTests
{
    [Fact]
    public async Task RunAndRollback_ByHand_WebhooksAreToldBeforeTheCommandEnds()
    {
        await using var receiver = await WebhookReceiver.StartAsync();
        using var bench = new CommandBench();
        Configure("first");
        (await bench.InvokeAsync("run")).ExitCode.Should().Be(ExitCodes.Success);
        Configure("second");
        (await bench.InvokeAsync("run")).ExitCode.Should().Be(ExitCodes.Success);
        var told = receiver.Requests.Count;

        var rollback = await bench.InvokeAsync("models", "rollback");

        rollback.ExitCode.Should().Be(ExitCodes.Success);
        receiver.Requests.Take(told).Select(request => request.Event).Should().Equal("promoted", "succeeded", "promoted", "succeeded");
        receiver.Requests.Skip(told).Select(request => (request.Event, (int)request.Json["version"]!, (int)request.Json["champion"]!, (string)request.Json["reason"]!)).Should().Equal(("rolledBack", 1, 1, "Rolled back by hand."));

        void Configure(string text) => bench.Folder.Write("appsettings.json", $$"""
            {
              "Plugins": { "Folder": "plugins" },
              "Pipelines": { "notes": { "Stages": { "acme-note": { "Text": "{{text}}" } }, "Promotion": { "Rules": ["copies >= 1"] } } },
              "Notifications": { "Webhooks": { "team": { "Url": "{{receiver.Url}}", "Events": ["Succeeded", "Promoted", "RolledBack"] } } }
            }
            """);
    }

    [Fact]
    public async Task Run_ReceiverHangs_TheCommandEndsAndSaysSoWithoutTheAddress()
    {
        await using var receiver = await WebhookReceiver.StartAsync(Hang);
        using var bench = new CommandBench();

        var run = await bench.InvokeAsync("run", "--set", $"Notifications:Webhooks:team:Url={receiver.Url}", "--set", "Notifications:Webhooks:team:TimeoutSeconds=300");

        run.ExitCode.Should().Be(ExitCodes.Success);
        run.Error.Should().Contain("Webhook team was not told of 1 notifications").And.NotContain(Token).And.NotContain(QueryToken);
    }

    [Fact]
    public async Task Run_WebhookIsWrong_DoesNothing()
    {
        using var bench = new CommandBench();

        var run = await bench.InvokeAsync("run", "--set", "Notifications:Webhooks:team:Url=nowhere/t0k3n");

        run.ExitCode.Should().Be(ExitCodes.Usage);
        run.Error.Should().Contain("Notifications:Webhooks:team:Url must be an absolute address").And.NotContain("t0k3n");
        File.Exists(bench.Folder.Combine("workspace", "runs.db")).Should().BeFalse();
    }
}
