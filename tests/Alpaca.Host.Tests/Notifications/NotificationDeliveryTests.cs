using System.Net;
using System.Net.Sockets;
using Microsoft.AspNetCore.Http;
using static Alpaca.Host.Tests.WebhookReceiver;

namespace Alpaca.Host.Tests;

/// <summary>Attempts, repeats and order, against a server that misbehaves.</summary>
public sealed class NotificationDeliveryTests
{
    [Fact]
    public async Task Deliver_ServerErrorsAndBrokenConnection_TriesAgainWithTheSameIdentity()
    {
        await using var receiver = await WebhookReceiver.StartAsync(Status(500), Break, Status(408), Status(200));
        await using var bench = await NotificationBench.StartAsync(receiver);

        bench.Fail(1);

        await bench.UntilLoggedAsync("Webhook team was told of Failed of pipeline notes (4 attempts)");
        receiver.Requests.Should().HaveCount(4);
        receiver.Requests.Select(request => (request.Id, (string)request.Json["id"]!)).Distinct().Should().ContainSingle().Which.Should().Match<(string Header, string Body)>(id => id.Header == id.Body && id.Header.Length == 32);
        receiver.Requests[0].Path.Should().Be($"/hook/{Token}");
        receiver.Requests[0].Query.Should().Be($"?access_token={QueryToken}");
    }

    [Theory]
    [InlineData(400)]
    [InlineData(404)]
    [InlineData(410)]
    public async Task Deliver_RequestIsRefused_IsNotRepeatedAndTheNextOneGoesOn(int status)
    {
        await using var receiver = await WebhookReceiver.StartAsync(Status(status), Status(200));
        await using var bench = await NotificationBench.StartAsync(receiver);

        bench.Fail(1);
        bench.Fail(2);

        await bench.UntilLoggedAsync("was told of");
        receiver.Requests.Select(request => (long)request.Json["run"]!).Should().Equal(1, 2);
        bench.Log.Lines.Should().ContainSingle(line => line.StartsWith("Error")).Which.Should().EndWith($"Webhook team was not told of Failed of pipeline notes: it answered status {status} (attempt 1 of 5)");
    }

    [Fact]
    public async Task Deliver_Redirect_IsNotFollowed()
    {
        await using var receiver = await WebhookReceiver.StartAsync(Status(307, location: "/elsewhere"));
        await using var bench = await NotificationBench.StartAsync(receiver);

        bench.Fail(1);

        await bench.UntilLoggedAsync("it answered status 307; redirects are not followed");
        receiver.Requests.Should().ContainSingle().Which.Path.Should().NotBe("/elsewhere");
    }

    [Fact]
    public async Task Deliver_ErrorsThatLast_StopsAtMaxAttempts()
    {
        await using var receiver = await WebhookReceiver.StartAsync(Status(503));
        await using var bench = await NotificationBench.StartAsync(receiver, """ "MaxAttempts": 3 """);

        bench.Fail(1);

        await bench.UntilLoggedAsync("it answered status 503 (attempt 3 of 3)");
        receiver.Requests.Should().HaveCount(3);
    }

    [Fact]
    public async Task Deliver_RetryAfter_WaitsAsLongAsAsked()
    {
        await using var receiver = await WebhookReceiver.StartAsync(Status(429, retryAfter: "2"), Status(200));
        await using var bench = await NotificationBench.StartAsync(receiver);

        bench.Fail(1);

        await receiver.UntilAsync(2);
        (receiver.Requests[1].At - receiver.Requests[0].At).Should().BeGreaterThan(TimeSpan.FromSeconds(1.9), "its own wait would be 50 ms");
    }

    [Fact]
    public async Task Deliver_RetryAfterIsADayAway_GivesUp()
    {
        await using var receiver = await WebhookReceiver.StartAsync(Status(429, retryAfter: DateTimeOffset.UtcNow.AddDays(1).ToString("R")));
        await using var bench = await NotificationBench.StartAsync(receiver);

        bench.Fail(1);

        await bench.UntilLoggedAsync("it answered status 429 (attempt 1 of 5)");
    }

    [Fact]
    public async Task Deliver_ReceiverHangs_IsLeftAfterTheTimeoutAndAskedAgain()
    {
        await using var receiver = await WebhookReceiver.StartAsync(Hang, Status(200));
        await using var bench = await NotificationBench.StartAsync(receiver, """ "TimeoutSeconds": 1 """);

        bench.Fail(1);

        await bench.UntilLoggedAsync("Webhook team was told of Failed of pipeline notes"); // at the second attempt, or later where the machine is so loaded that an answer takes a second
        receiver.Requests.Should().HaveCountGreaterThan(1);
        bench.Log.Lines.Should().Contain(line => line.Contains("it did not answer within 1 s"));
    }

    [Fact]
    public async Task Deliver_NobodyListens_IsLoggedWithoutTheAddress()
    {
        using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        socket.Bind(new IPEndPoint(IPAddress.Loopback, 0)); // so that nobody else takes the port
        var url = new Uri($"http://127.0.0.1:{((IPEndPoint)socket.LocalEndPoint!).Port}/hook/{Token}?access_token={QueryToken}");
        await using var bench = await NotificationBench.StartAsync(NotificationBench.Section("team", url, """ "MaxAttempts": 2 """));

        bench.Fail(1);

        (await bench.UntilLoggedAsync("(attempt 2 of 2)")).Should().Contain("no connection (ConnectionRefused)").And.NotContain(url.Port.ToString());
    }

    [Fact]
    public async Task Deliver_CertificateNobodyVouchesFor_IsRefused()
    {
        await using var receiver = await WebhookReceiver.StartAsync(isEncrypted: true);
        await using var bench = await NotificationBench.StartAsync(receiver, """ "MaxAttempts": 1 """);

        bench.Fail(1);

        await bench.UntilLoggedAsync("its certificate is not trusted");
        receiver.Requests.Should().BeEmpty();
    }

    [Theory]
    [InlineData("Feishu", """{"StatusCode":0,"StatusMessage":"success","code":0,"data":{},"msg":"success"}""")]
    [InlineData("DingTalk", """{"errcode":0,"errmsg":"ok"}""")]
    [InlineData("WeCom", """{"errcode":0,"errmsg":"ok"}""")]
    public async Task Deliver_ChatTookIt_IsDelivered(string format, string body)
    {
        await using var receiver = await WebhookReceiver.StartAsync(Body(body));
        await using var bench = await NotificationBench.StartAsync(receiver, $""" "Format": "{format}" """);

        bench.Fail(1);

        await bench.UntilLoggedAsync("(1 attempts)");
    }

    [Theory]
    [InlineData("Feishu", 200, """{"code":11232,"msg":"frequency limited"}""", """{"code":0}""")]
    [InlineData("Feishu", 400, """{"code":11232,"msg":"frequency limited"}""", """{"code":0}""")]
    [InlineData("DingTalk", 200, """{"errcode":130101,"errmsg":"send too fast"}""", """{"errcode":0}""")]
    [InlineData("WeCom", 200, """{"errcode":45009,"errmsg":"api freq out of limit"}""", """{"errcode":0}""")]
    public async Task Deliver_ChatIsAskedTooOften_TriesAgain(string format, int status, string busy, string taken)
    {
        await using var receiver = await WebhookReceiver.StartAsync(Body(busy, status), Body(taken));
        await using var bench = await NotificationBench.StartAsync(receiver, $""" "Format": "{format}" """);

        bench.Fail(1);

        await bench.UntilLoggedAsync("(2 attempts)");
        bench.Log.Lines.Should().Contain(line => line.Contains("asked too often or busy"));
    }

    [Theory]
    [InlineData("Feishu", """{"code":19021,"msg":"sign match fail or timestamp is not within one hour from current time"}""", "it answered code 19021")]
    [InlineData("Feishu", """{"code":9499,"msg":"Bad Request","data":{}}""", "it answered code 9499")]
    [InlineData("DingTalk", """{"errcode":310000,"errmsg":"sign not match, https://oapi.dingtalk.com/robot/send?access_token=t0k3n-in-the-query"}""", "it answered code 310000")]
    [InlineData("WeCom", """{"errcode":93000,"errmsg":"invalid webhook url"}""", "it answered code 93000")]
    [InlineData("WeCom", "<html>Please log in</html>", "it did not answer as this chat does")]
    [InlineData("Feishu", "", "it did not answer as this chat does")]
    [InlineData("DingTalk", "[0]", "it did not answer as this chat does")]
    public async Task Deliver_ChatRefuses_IsNotRepeatedAndItsWordsAreNotLogged(string format, string body, string problem)
    {
        await using var receiver = await WebhookReceiver.StartAsync(Body(body));
        await using var bench = await NotificationBench.StartAsync(receiver, $""" "Format": "{format}" """);

        bench.Fail(1);

        (await bench.UntilLoggedAsync(problem)).Should().EndWith("(attempt 1 of 5)");
        receiver.Requests.Should().ContainSingle();
    }

    [Fact]
    public async Task Deliver_ChatAnswersWithoutEnd_IsNotReadToTheEnd()
    {
        await using var receiver = await WebhookReceiver.StartAsync(async context =>
        {
            while (!context.RequestAborted.IsCancellationRequested) await context.Response.WriteAsync(new string('x', 4096), context.RequestAborted);
        });
        await using var bench = await NotificationBench.StartAsync(receiver, """ "Format": "WeCom", "TimeoutSeconds": 300 """);

        bench.Fail(1);

        await bench.UntilLoggedAsync("it did not answer as this chat does");
    }

    [Fact]
    public async Task Deliver_ManyWithFaultsBetween_KeepsTheirOrder()
    {
        await using var receiver = await WebhookReceiver.StartAsync([Status(500), Status(200), Break, Status(503), .. Enumerable.Repeat(Status(200), 5), Status(500), Status(200)]);
        await using var bench = await NotificationBench.StartAsync(receiver);

        for (var run = 1; run <= 20; run++) bench.Fail(run);

        await receiver.UntilAsync(24);
        receiver.Requests.Select(request => (int)request.Json["run"]!).Distinct().Should().Equal(Enumerable.Range(1, 20));
        receiver.Requests.Select(request => (int)request.Json["run"]!).Should().BeInAscendingOrder();
    }
}
