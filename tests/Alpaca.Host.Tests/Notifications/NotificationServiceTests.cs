using System.Collections.Concurrent;
using System.Diagnostics;
using System.Diagnostics.Metrics;
using Alpaca.Host.Tests.Registry;
using static Alpaca.Host.Tests.WebhookReceiver;

namespace Alpaca.Host.Tests;

/// <summary>Who is told of what, and what holds up whom.</summary>
public sealed class NotificationServiceTests
{
    [Fact]
    public async Task HandOut_SeveralWebhooks_EachGetsWhatItWants()
    {
        await using var all = await WebhookReceiver.StartAsync();
        await using var usual = await WebhookReceiver.StartAsync();
        await using var others = await WebhookReceiver.StartAsync();
        await using var bench = await NotificationBench.StartAsync(
            NotificationBench.Section("all", all.Url, """ "Events": ["succeeded", "failed", "rejected", "promoted", "rolledBack"] """)
            + NotificationBench.Section("usual", usual.Url, """ "Pipelines": "notes" """)
            + NotificationBench.Section("failures", others.Url, """ "Events": "Failed" """));

        bench.Observer.RunEnded(NotificationBench.Run(1, RunOutcome.Succeeded));
        bench.Observer.RunEnded(NotificationBench.Run(2, RunOutcome.Cancelled));
        bench.Observer.Promoted("notes", Versions.Create(1), "It passed.");
        bench.Observer.Rejected("other", Versions.Create(2, passed: false, pipeline: "other"), "It failed.");
        bench.Observer.RolledBack("notes", Versions.Create(1), "Rolled back by hand.");
        bench.Fail(3);
        await bench.StopAsync();

        all.Requests.Select(request => request.Event).Should().Equal("succeeded", "promoted", "rejected", "rolledBack", "failed");
        usual.Requests.Select(request => request.Event).Should().Equal("succeeded", "rolledBack", "failed");
        others.Requests.Select(request => request.Event).Should().Equal("failed");
        others.Requests[0].Id.Should().Be(all.Requests[^1].Id, "it is the same event");
        all.Requests.Select(request => request.Id).Should().OnlyHaveUniqueItems();
    }

    [Fact]
    public async Task HandOut_PipelineWithAChampion_NamesIt()
    {
        await using var receiver = await WebhookReceiver.StartAsync();
        await using var bench = await NotificationBench.StartAsync(receiver);
        bench.Fail(1);
        await receiver.UntilAsync(1);
        bench.Registry.Register();
        bench.Registry.Promote("notes", 1);

        bench.Fail(2);

        await receiver.UntilAsync(2);
        receiver.Requests.Select(request => (int?)request.Json["champion"]).Should().Equal(null, 1);
    }

    [Fact]
    public async Task HandOut_ChampionCannotBeServed_TellsOfTheRejectionAndTheRollBack()
    {
        await using var receiver = await WebhookReceiver.StartAsync();
        await using var bench = await NotificationBench.StartAsync(receiver);
        for (var number = 1; number <= 2; number++)
        {
            bench.Registry.Register();
            bench.Registry.Promote("notes", number);
        }

        bench.Registry.TakeBack("notes", 2, "It could not be served: it has nothing to say.");

        await receiver.UntilAsync(2);
        receiver.Requests.Select(request => (request.Event, (int)request.Json["version"]!, (int)request.Json["champion"]!)).Should().Equal(("rejected", 2, 1), ("rolledBack", 1, 1));
        receiver.Requests.Select(request => (string)request.Json["reason"]!).Should().AllBe("It could not be served: it has nothing to say.");
    }

    [Fact]
    public async Task HandOut_OneReceiverHangs_TheOthersAndTheRunsGoOn()
    {
        await using var hanging = await WebhookReceiver.StartAsync(Hang);
        await using var receiver = await WebhookReceiver.StartAsync();
        using var work = new Workbench();
        await using var bench = await NotificationBench.StartAsync(
            NotificationBench.Section("hanging", hanging.Url, """ "TimeoutSeconds": 300 """) + NotificationBench.Section("good", receiver.Url));
        work.Observers.Add(bench.Observer);
        work.Restart();

        await work.RunAsync(""" "acme-note": { "Text": "one", "Mishap": "error" } """);
        await hanging.UntilAsync(1);
        var second = await work.RunAsync(""" "acme-note": { "Text": "two" } """).WaitAsync(TimeSpan.FromSeconds(120));
        await receiver.UntilAsync(2);

        second.Outcome.Should().Be(RunOutcome.Succeeded);
        receiver.Requests.Select(request => request.Event).Should().Equal("failed", "succeeded");
        ((string)receiver.Requests[0].Json["reason"]!).Should().Be("Stage acme-note failed: The pen ran dry; refill it.");
        hanging.Requests.Should().ContainSingle("the first one is still under way");
    }

    [Fact]
    public async Task Add_ReceiverIsAway_DropsTheOldestAndSaysSoOnce()
    {
        const int extra = 50;
        var open = new TaskCompletionSource();
        await using var receiver = await WebhookReceiver.StartAsync(After(open.Task), Status(200));
        await using var witness = await WebhookReceiver.StartAsync();
        await using var bench = await NotificationBench.StartAsync(NotificationBench.Section("team", receiver.Url, """ "TimeoutSeconds": 300 """) + NotificationBench.Section("witness", witness.Url));
        bench.Fail(0);
        await receiver.UntilAsync(1);

        // What the witness, the second one, was told of has been handed to the first: so the inbox, which is no longer than a webhook's queue, never overflows.
        for (var run = 1; run <= NotificationInbox.Capacity + extra; run++)
        {
            bench.Fail(run);
            if (run % extra == 0) await witness.UntilAsync(1 + run);
        }

        open.SetResult();
        await bench.StopAsync();

        var told = receiver.Requests.Select(request => (int)request.Json["run"]!).ToList();
        told.Should().HaveCount(1 + NotificationInbox.Capacity).And.BeInAscendingOrder();
        told[^1].Should().Be(NotificationInbox.Capacity + extra, "the newest count");
        bench.Log.Lines.Count(line => line.Contains("the oldest are dropped")).Should().Be(1);
    }

    [Fact]
    public async Task StopAsync_NotificationsWait_AreDelivered()
    {
        var open = new TaskCompletionSource();
        await using var receiver = await WebhookReceiver.StartAsync(After(open.Task), Status(500), Status(200));
        await using var bench = await NotificationBench.StartAsync(receiver);
        for (var run = 1; run <= 5; run++) bench.Fail(run);
        await receiver.UntilAsync(1);

        var stopping = bench.StopAsync();
        open.SetResult();
        await stopping;

        receiver.Requests.Select(request => (int)request.Json["run"]!).Should().Equal(1, 2, 2, 3, 4, 5);
        bench.Fail(6);
        await bench.UntilLoggedAsync("No webhook is told of Failed of pipeline notes: the service stops");
    }

    [Fact]
    public async Task StopAsync_ReceiverHangs_EndsAndSaysWhatWasNotTold()
    {
        await using var receiver = await WebhookReceiver.StartAsync(Hang);
        await using var bench = await NotificationBench.StartAsync(receiver, """ "TimeoutSeconds": 300 """, new DeliveryTimes { Drain = TimeSpan.FromMilliseconds(300) });
        bench.Fail(1);
        bench.Observer.RunEnded(NotificationBench.Run(2, RunOutcome.Succeeded));
        await receiver.UntilAsync(1);

        await bench.StopAsync();

        bench.Log.Lines.Should().Contain(line => line.StartsWith("Warning") && line.Contains("Webhook team was not told of 2 notifications, the first of them Failed of pipeline notes"));
        receiver.Requests.Should().ContainSingle();
    }

    [Fact]
    public async Task StopAsync_NoTimeLeft_SaysWhatWasNotTold()
    {
        const int many = 500; // which takes a moment to hand out
        await using var receiver = await WebhookReceiver.StartAsync(Hang);
        await using var bench = await NotificationBench.StartAsync(receiver, """ "TimeoutSeconds": 300 """);
        using var now = new CancellationTokenSource(TimeSpan.Zero);
        for (var run = 1; run <= many; run++) bench.Fail(run);

        await bench.StopAsync(now.Token);

        bench.Log.Lines.Should().Contain(line => line.Contains($"Webhook team was not told of {many} notifications"));
    }

    [Fact]
    public async Task StopAsync_WaitsForARetryFarAway_EndsAtTheLimit()
    {
        await using var receiver = await WebhookReceiver.StartAsync(Status(503, retryAfter: "3000"));
        await using var bench = await NotificationBench.StartAsync(receiver, times: new DeliveryTimes { Drain = TimeSpan.FromMilliseconds(300) });
        bench.Fail(1);
        await bench.UntilLoggedAsync("it is tried again in 3000.0 s (attempt 1 of 5)");

        await bench.StopAsync();

        bench.Log.Lines.Should().Contain(line => line.Contains("Webhook team was not told of 1 notifications"));
    }

    [Fact]
    public async Task Deliver_WhateverBecomesOfIt_IsCounted()
    {
        var counts = new ConcurrentDictionary<string, long>();
        using var listener = new MeterListener
        {
            InstrumentPublished = (instrument, listener) =>
            {
                if (instrument.Name == "alpaca.notifications") listener.EnableMeasurementEvents(instrument);
            },
        };
        listener.SetMeasurementEventCallback<long>((_, value, tags, _) =>
        {
            var named = new TagList(tags);
            if (named.Contains(new("webhook", "counted"))) counts.AddOrUpdate((string)named.First(tag => tag.Key == "outcome").Value!, value, (_, sum) => sum + value);
        });
        listener.Start();
        await using var receiver = await WebhookReceiver.StartAsync(Status(200), Status(400), Status(500), Status(200), Hang);
        await using var bench = await NotificationBench.StartAsync(NotificationBench.Section("counted", receiver.Url), new DeliveryTimes { First = TimeSpan.FromMilliseconds(10), Drain = TimeSpan.FromSeconds(1) });

        for (var run = 1; run <= 5; run++) bench.Fail(run);
        await receiver.UntilAsync(5);
        await bench.StopAsync();

        counts.Should().BeEquivalentTo(new Dictionary<string, long> { ["delivered"] = 2, ["failed"] = 1, ["undelivered"] = 2 });
    }

    [Fact]
    public async Task Configuration_Edited_HoldsFromTheNextNotificationOn()
    {
        await using var first = await WebhookReceiver.StartAsync();
        await using var second = await WebhookReceiver.StartAsync();
        await using var bench = await NotificationBench.StartAsync(first);
        bench.Fail(1);
        await first.UntilAsync(1);

        bench.Configure(NotificationBench.Section("team", second.Url) + NotificationBench.Section("new", first.Url, """ "Format": "WeCom" """));
        bench.Fail(2);
        await second.UntilAsync(1);
        await first.UntilAsync(2);
        bench.Configure(NotificationBench.Section("team", first.Url, """ "Format": "Telegram" """));
        bench.Fail(3);
        await second.UntilAsync(2);

        await bench.UntilLoggedAsync("The configuration has changed; 2 webhooks are told from now on");
        await bench.UntilLoggedAsync("The changed configuration cannot be used, and webhooks are told as before: Notifications:Webhooks:team:Format is 'Telegram'");
        ((string)first.Requests[1].Json["msgtype"]!).Should().Be("text");
    }

    [Fact]
    public async Task Configuration_WebhookTakenOut_IsTroubledNoMore()
    {
        await using var first = await WebhookReceiver.StartAsync(Hang);
        await using var second = await WebhookReceiver.StartAsync();
        await using var bench = await NotificationBench.StartAsync(NotificationBench.Section("first", first.Url, """ "TimeoutSeconds": 300 """) + NotificationBench.Section("second", second.Url));
        bench.Fail(1);
        bench.Fail(2);
        await first.UntilAsync(1);
        await second.UntilAsync(2);

        bench.Configure(NotificationBench.Section("second", second.Url));
        bench.Fail(3);

        await second.UntilAsync(3);
        await bench.UntilLoggedAsync("Webhook first was not told of 2 notifications");
        first.Requests.Should().ContainSingle();
    }
}
