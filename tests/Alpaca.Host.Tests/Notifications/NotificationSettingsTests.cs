using System.Collections;
using Alpaca.Abstractions;

namespace Alpaca.Host.Tests;

public sealed class NotificationSettingsTests : IDisposable
{
    private const string Url = "https://open.feishu.cn/open-apis/bot/v2/hook/t0k3n";

    private readonly TemporaryFolder _folder = new();
    private readonly Hashtable _environment = [];

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Read_AddressAlone_HasTheDefaults()
    {
        var webhook = Read($$""" "team": { "Url": "{{Url}}" } """).Single();

        webhook.Should().BeEquivalentTo(new { Name = "team", Url = new Uri(Url), Format = WebhookFormat.Json, Secret = (string?)null, MaxAttempts = 5, Timeout = TimeSpan.FromSeconds(10) });
        webhook.Events.Should().Equal(NotificationEvent.Succeeded, NotificationEvent.Failed, NotificationEvent.Rejected, NotificationEvent.RolledBack);
        webhook.Pipelines.Should().BeEmpty();
    }

    [Fact]
    public void Read_Everything_IsTaken()
        => Read($$""" "team": { "Url": " {{Url}} ", "Format": "dingtalk", "Events": ["promoted", "Failed"], "Pipelines": "notes", "Secret": "s", "MaxAttempts": 20, "TimeoutSeconds": 300 } """).Single()
            .Should().BeEquivalentTo(new
            {
                Name = "team", Url = new Uri(Url), Format = WebhookFormat.DingTalk, Events = new[] { NotificationEvent.Promoted, NotificationEvent.Failed }, Pipelines = new[] { "notes" }, Secret = "s", MaxAttempts = 20,
                Timeout = TimeSpan.FromMinutes(5),
            });

    [Fact]
    public void Read_EnvironmentVariables_MakeAWebhookAndFillIn()
    {
        _environment["ALPACA_Notifications__Webhooks__team__Url"] = Url;
        _environment["ALPACA_NOTIFICATIONS__WEBHOOKS__TEAM__SECRET"] = "from the environment";
        _environment["ALPACA_Notifications__Webhooks__other__Url"] = "http://127.0.0.1:1/";
        _environment["ALPACA_Notifications__Webhooks__other__Events"] = "Failed,Rejected";

        var webhooks = Read(""" "team": { "Format": "Feishu" } """);

        webhooks.Select(webhook => (webhook.Name, webhook.Url, webhook.Format, webhook.Secret)).Should().BeEquivalentTo([
            ("team", new Uri(Url), WebhookFormat.Feishu, "from the environment"), ("other", new Uri("http://127.0.0.1:1/"), WebhookFormat.Json, (string?)null)]);
        webhooks.Single(webhook => webhook.Name == "other").Events.Should().Equal(NotificationEvent.Failed, NotificationEvent.Rejected);
    }

    [Fact]
    public void Read_ManyThingsWrong_ReportsAllOfThemWithTheirKeysAndNoSecret()
    {
        const string broken = """
            "a": { "Format": "Feishoo", "Events": ["Faild", "Promoted"], "Pipelines": ["nots"], "MaxAttempts": 21, "TimeoutSeconds": 0 },
            "b": { "Url": "ftp://host/t0k3n" },
            "c": { "Url": "/hook/t0k3n" },
            "d": { "Url": "https://t0k3n:x@host/" },
            "e": { "Url": "https://host/", "Format": "WeCom", "Secret": "s3cr3t" },
            """;

        var error = FluentActions.Invoking(() => Read(broken)).Should().Throw<AlpacaUsageException>().Which.Message;

        const string address = "Url must be an absolute address that begins with http:// or https:// and names no user; it is not shown here because it holds a secret.";
        error.Split('\n').Should().Equal(
            "Notifications:Webhooks:a:Url is missing; set it, for example by the environment variable ALPACA_Notifications__Webhooks__a__Url.",
            "Notifications:Webhooks:a:Format is 'Feishoo'; it must be Json, Feishu, DingTalk or WeCom.",
            "Notifications:Webhooks:a:Events has 'Faild'; it must be Succeeded, Failed, Rejected, Promoted or RolledBack; did you mean Failed?",
            "Notifications:Webhooks:a:Pipelines has 'nots', which is not under Pipelines (there is notes); did you mean notes?",
            "Notifications:Webhooks:a:MaxAttempts is '21'; it must be a whole number from 1 to 20.",
            "Notifications:Webhooks:a:TimeoutSeconds is '0'; it must be a whole number from 1 to 300.",
            $"Notifications:Webhooks:b:{address}",
            $"Notifications:Webhooks:c:{address}",
            $"Notifications:Webhooks:d:{address}",
            "Notifications:Webhooks:e:Secret is set, but WeCom checks no signature (its address is the secret); remove it.");
    }

    [Theory]
    [InlineData(""" "team": "https://host/t0k3n" """, "*Notifications:Webhooks:team must be a section in braces, not a single value.")]
    [InlineData(""" "team": { "Ulr": "https://host/t0k3n" } """, "*Notifications:Webhooks:team:Ulr is not a known key*did you mean Url?")]
    [InlineData(""" "team": { "Url": ["https://host/t0k3n"] } """, "*Notifications:Webhooks:team:Url must be a single value, not a list.")]
    public void Load_AddressInAWrongPlace_IsNotShown(string webhooks, string message)
        => FluentActions.Invoking(() => Read(webhooks)).Should().Throw<AlpacaUsageException>().WithMessage(message).Which.Message.Should().NotContain("t0k3n");

    [Fact]
    public void Load_AddressSetBelowAList_IsNotShown()
        => FluentActions.Invoking(() => AlpacaSettings.Load(_folder.Write("appsettings.json", """{ "Notifications": { "Webhooks": ["x"] } }"""), null, ["Notifications:Webhooks:0:Url=https://host/t0k3n", "Notifications:Webhooks:team=https://host/t0k3n"], null, _environment))
            .Should().Throw<AlpacaUsageException>().WithMessage("*--set Notifications:Webhooks:team sets*").Which.Message.Should().NotContain("t0k3n");

    [Fact]
    public void ToString_Webhook_IsItsNameAlone()
        => $"{Read($$""" "team": { "Url": "{{Url}}", "Secret": "s" } """).Single()}".Should().Be("team");

    private IReadOnlyList<Webhook> Read(string webhooks)
    {
        var file = _folder.Write("appsettings.json", $$"""{ "Pipelines": { "notes": { "Stages": { "acme-note": {} } } }, "Notifications": { "Webhooks": { {{webhooks}} } } }""");
        return NotificationSettings.Read(AlpacaSettings.Load(file, null, [], null, _environment)).Webhooks;
    }
}
