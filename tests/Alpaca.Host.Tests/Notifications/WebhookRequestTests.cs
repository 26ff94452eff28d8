using System.Text;
using System.Text.Json.Nodes;

namespace Alpaca.Host.Tests;

/// <summary>Bodies and signatures. The signatures were computed with OpenSSL: <c>openssl dgst -sha256 -hmac KEY</c>.</summary>
public sealed class WebhookRequestTests
{
    private static readonly DateTimeOffset Now = DateTimeOffset.FromUnixTimeMilliseconds(1767323045678);

    private static readonly Notification Failed = new()
    {
        Id = "0123456789abcdef0123456789abcdef",
        Event = NotificationEvent.Failed,
        Pipeline = "sample",
        Run = 12,
        Trigger = "schedule",
        Outcome = RunOutcome.Failed,
        Reason = "Stage train failed: 显存不足",
        Stage = "train",
        StartedAt = new DateTimeOffset(2026, 1, 2, 3, 0, 0, TimeSpan.Zero),
        EndedAt = new DateTimeOffset(2026, 1, 2, 3, 4, 5, TimeSpan.Zero),
        Champion = 3,
        Machine = "gpu-1",
    };

    private static readonly Notification Rejected = new()
    {
        Id = "id",
        Event = NotificationEvent.Rejected,
        Pipeline = "sample",
        Run = 13,
        Reason = "It failed 'evalLoss <= 1.01 * championEvalLoss' (1.25 against 1.1).",
        EndedAt = Now,
        Version = 4,
        Champion = 3,
        Verdict = new PromotionVerdict(4, PromotionOutcome.Rejected, false, "It failed 'evalLoss <= 1.01 * championEvalLoss' (1.25 against 1.1).",
            [new RuleResult("evalLoss <= 1.01 * championEvalLoss", false, 1.25, 1.1, null), new RuleResult("smokePassed >= 1", true, double.NaN, null, "it is not measured")]),
        Machine = "gpu-1",
    };

    [Fact]
    public async Task Create_Json_IsTheDocumentedDocumentSignedOverItsBytes()
    {
        using var request = WebhookRequest.Create(Webhook(WebhookFormat.Json, "s3cr3t-of-the-webhook"), Failed, Now);

        (await request.Content!.ReadAsStringAsync()).Should().Be(
            """{"id":"0123456789abcdef0123456789abcdef","event":"failed","pipeline":"sample","run":12,"trigger":"schedule","outcome":"failed","reason":"Stage train failed: 显存不足","stage":"train","startedAt":"2026-01-02T03:00:00+00:00","endedAt":"2026-01-02T03:04:05+00:00","version":null,"champion":3,"verdict":null,"machine":"gpu-1"}""");
        request.Headers.GetValues("X-Alpaca-Signature").Should().Equal("sha256=01d57affa3447691013757bb6301f649b42c061a295abc5d67df8ddae8c6ba6f");
        request.Headers.GetValues("X-Alpaca-Delivery").Should().Equal(Failed.Id);
        request.Content.Headers.ContentType!.ToString().Should().Be("application/json; charset=utf-8");
    }

    [Fact]
    public async Task Create_JsonOfARejection_HasTheFigures()
    {
        using var request = WebhookRequest.Create(Webhook(WebhookFormat.Json), Rejected, Now);

        var json = JsonNode.Parse(await request.Content!.ReadAsStringAsync())!;
        ((string)json["event"]!).Should().Be("rejected");
        json["verdict"]!.ToJsonString().Should().Be(JsonNode.Parse(
            """
            {"version":4,"outcome":"rejected","passed":false,"reason":"It failed 'evalLoss <= 1.01 * championEvalLoss' (1.25 against 1.1).","rules":[
              {"rule":"evalLoss <= 1.01 * championEvalLoss","passed":false,"value":1.25,"limit":1.1,"note":null},
              {"rule":"smokePassed >= 1","passed":true,"value":"NaN","limit":null,"note":"it is not measured"}]}
            """)!.ToJsonString());
        request.Headers.Contains("X-Alpaca-Signature").Should().BeFalse("there is no secret");
    }

    [Fact]
    public async Task Create_Feishu_SignsTheEmptyMessageWithTimeAndSecretAsKey()
    {
        using var request = WebhookRequest.Create(Webhook(WebhookFormat.Feishu, "feishu-secret"), Failed, Now);

        var json = JsonNode.Parse(await request.Content!.ReadAsStringAsync())!;
        ((string)json["timestamp"]!).Should().Be("1767323045");
        ((string)json["sign"]!).Should().Be("2Mxb2IyfzFQ/Rkd4t/2shomsIiylyUkL6wixMYFI5nk=");
        ((string)json["msg_type"]!).Should().Be("text");
        ((string)json["content"]!["text"]!).Should().StartWith("Alpaca sample: run 12 failed (schedule, 4 min 05 s)\nStage train failed: 显存不足");
        request.RequestUri.Should().Be(new Uri("https://example.com/hook?key=1"));
    }

    [Fact]
    public async Task Create_FeishuWithoutSecret_IsNotSigned()
    {
        using var request = WebhookRequest.Create(Webhook(WebhookFormat.Feishu), Failed, Now);

        JsonNode.Parse(await request.Content!.ReadAsStringAsync())!.AsObject().Select(entry => entry.Key).Should().Equal("msg_type", "content");
    }

    [Theory]
    [InlineData("https://oapi.dingtalk.com/robot/send?access_token=abc", "https://oapi.dingtalk.com/robot/send?access_token=abc&timestamp=1767323045678&sign=E3wAqjFv9Uf998CSUetE4jmMyMdQQBvhmKGD%2Fdzp%2BpU%3D")]
    [InlineData("https://gateway.example/robot#there", "https://gateway.example/robot?timestamp=1767323045678&sign=E3wAqjFv9Uf998CSUetE4jmMyMdQQBvhmKGD%2Fdzp%2BpU%3D")]
    public async Task Create_DingTalk_SignsInTheAddress(string url, string signed)
    {
        using var request = WebhookRequest.Create(new Webhook { Name = "team", Url = new Uri(url), Format = WebhookFormat.DingTalk, Secret = "SECdingtalk" }, Failed, Now);

        request.RequestUri!.AbsoluteUri.Should().Be(signed);
        var json = JsonNode.Parse(await request.Content!.ReadAsStringAsync())!;
        ((string)json["msgtype"]!).Should().Be("text");
        ((string)json["text"]!["content"]!).Should().Contain("显存不足");
    }

    [Fact]
    public async Task Create_WeComAndALongText_IsCutAtAWholeCharacterBelowItsLimit()
    {
        var text = string.Concat(Enumerable.Repeat("羊驼👨‍👩‍👧", 150));
        using var request = WebhookRequest.Create(Webhook(WebhookFormat.WeCom), Failed with { Reason = text }, Now);

        var content = (string)JsonNode.Parse(await request.Content!.ReadAsStringAsync())!["text"]!["content"]!;
        Encoding.UTF8.GetByteCount(content).Should().BeInRange(2048 - 25, 2048);
        content.Should().EndWith("…").And.NotContain("\ufffd");
        text.Should().StartWith(content.Split('\n')[1].TrimEnd('…'));
        content[^2].Should().NotBe('\u200d', "a family is one character");
    }

    [Fact]
    public void Of_Rejection_NamesVersionReasonFiguresAndChampion()
        => NotificationText.Of(Rejected).Should().Be(
            """
            Alpaca sample: version 4 is rejected (run 13)
            It failed 'evalLoss <= 1.01 * championEvalLoss' (1.25 against 1.1).
            failed: evalLoss <= 1.01 * championEvalLoss (1.25 against 1.1)
            passed: smokePassed >= 1, it is not measured
            champion: version 3
            machine: gpu-1
            """);

    [Fact]
    public void Of_OtherEvents_SayWhatHasHappened()
    {
        var verdict = Rejected.Verdict! with { Outcome = PromotionOutcome.Promoted, Passed = true, Reason = "It passed the rule.", Rules = [] };

        NotificationText.Of(Failed with { Event = NotificationEvent.Succeeded, Outcome = RunOutcome.Succeeded, Reason = verdict.Reason, Verdict = verdict, Champion = 4 }).Should().Be(
            "Alpaca sample: run 12 succeeded (schedule, 4 min 05 s)\npromotion: version 4 is the champion. It passed the rule.\nchampion: version 4\nmachine: gpu-1");
        NotificationText.Of(Rejected with { Event = NotificationEvent.Promoted, Reason = verdict.Reason, Verdict = verdict }).Should().Be("Alpaca sample: version 4 is the champion now (run 13)\nIt passed the rule.\nmachine: gpu-1");
        NotificationText.Of(Rejected with { Event = NotificationEvent.RolledBack, Reason = "Rolled back by hand." }).Should().Be("Alpaca sample: rolled back, version 4 is the champion again (run 13)\nRolled back by hand.\nmachine: gpu-1");
        NotificationText.Of(Failed with { Run = null, StartedAt = null, Champion = null }).Should().Be("Alpaca sample: a run could not be started (schedule)\nStage train failed: 显存不足\nmachine: gpu-1");
    }

    [Theory]
    [InlineData("abc", 3, "abc")]
    [InlineData("abcd", 3, "ab…")]
    [InlineData("ab👍🏽c", 5, "ab…")]
    [InlineData("e\u0301e\u0301e\u0301", 4, "e\u0301…")]
    [InlineData("", 1, "")]
    public void Cut_Text_EndsWhereACharacterDoes(string text, int length, string expected) => WholeText.Cut(text, length).Should().Be(expected);

    [Fact]
    public void Backoff_FurtherAttempts_DoublesUpToTheLongestAndVariesByAFifth()
    {
        var (times, random) = (new DeliveryTimes(), new Random(3));

        foreach (var (attempt, seconds) in new[] { (1, 1), (2, 2), (5, 16), (9, 256), (10, 300), (20, 300) })
        {
            var waits = Enumerable.Range(0, 200).Select(_ => times.Backoff(attempt, isBusy: false, random).TotalSeconds).ToList();
            waits.Should().OnlyContain(wait => wait >= 0.8 * seconds && wait <= 1.2 * seconds);
            (waits.Max() - waits.Min()).Should().BeGreaterThan(0.3 * seconds);
        }

        times.Backoff(1, isBusy: true, random).Should().BeGreaterThanOrEqualTo(TimeSpan.FromSeconds(24));
    }

    private static Webhook Webhook(WebhookFormat format, string? secret = null) => new() { Name = "team", Url = new Uri("https://example.com/hook?key=1"), Format = format, Secret = secret };
}
