using System.Collections;
using Alpaca.Abstractions;

namespace Alpaca.Host.Tests.Settings;

/// <summary>Where secrets may stand, and who gets to see them.</summary>
public sealed class SecretsTests : IDisposable
{
    private const string ApiKey = "hidden-api-key", Password = "hidden-password", Token = "hidden-token", Signature = "hidden-signature";

    private const string WithSecrets = $$"""
        {
          "Serving": { "ApiKey": ["{{ApiKey}}"] },
          "Scheduler": { "ConnectionString": "Host=db;Password={{Password}}" },
          "Notifications": { "Webhooks": { "team": { "Url": "https://chat.example/{{Token}}", "Secret": "{{Signature}}" } } }
        }
        """;

    private static readonly string[] Keys = ["Serving:ApiKey", "Scheduler:ConnectionString", "Notifications:Webhooks:team:Url", "Notifications:Webhooks:team:Secret"];

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [UnixFact]
    public void Load_FileThatEverybodyMayRead_MayHoldNoSecret()
    {
        var file = _folder.Write("appsettings.json", WithSecrets);
        SetMode(_folder.Path, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute | UnixFileMode.OtherExecute);
        SetMode(file, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.OtherRead);

        var error = FluentActions.Invoking(() => Load(file)).Should().Throw<AlpacaUsageException>().Which.Message;

        error.Should().ContainAll(Keys).And.Contain("ALPACA_Serving__ApiKey").And.NotContainAny(ApiKey, Password, Token, Signature);
        SetMode(file, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead);
        Load(file).Configuration["Serving:ApiKey:0"].Should().Be(ApiKey);
    }

    [Fact]
    public void Load_Credentials_AreReadBetweenTheFileAndTheEnvironment()
    {
        var file = _folder.Write("appsettings.json", """{ "Scheduler": { "MisfireSeconds": 5 } }""");
        _folder.Write("credentials/Serving__ApiKey", $"{ApiKey}\n");
        _folder.Write("credentials/Scheduler__MisfireSeconds", "6");
        _folder.Write("credentials/Scheduler__ConnectionString", "Host=file");
        _folder.Write("credentials/somebody-elses", "x");

        var settings = Load(file, new Hashtable { ["CREDENTIALS_DIRECTORY"] = _folder.Combine("credentials"), ["ALPACA_Scheduler__ConnectionString"] = "Host=environment" });

        settings.Configuration["Serving:ApiKey"].Should().Be(ApiKey);
        settings.Configuration["Scheduler:MisfireSeconds"].Should().Be("6");
        settings.Configuration["Scheduler:ConnectionString"].Should().Be("Host=environment");
    }

    [Fact]
    public void Load_SecretOfTheWrongShape_IsNotShown()
    {
        var file = _folder.Write("appsettings.json", $$"""{ "Serving": { "ApiKey": { "x": "{{ApiKey}}" } }, "Scheduler": { "ConnectionString": ["{{Password}}"] } }""");

        FluentActions.Invoking(() => AlpacaSettings.Load(file, null, [$"Serving:ApiKey:0:x={Token}", $"Scheduler:ConnectionString:x={Signature}"], null, new Hashtable())).Should().Throw<AlpacaUsageException>()
            .Which.Message.Should().ContainAll("Serving:ApiKey", "Scheduler:ConnectionString").And.NotContainAny(ApiKey, Password, Token, Signature);
    }

    [Fact]
    public void Without_Configuration_HasEverythingElse()
    {
        var settings = AlpacaSettings.Load(_folder.Write("appsettings.json", WithSecrets), null, ["Scheduler:MisfireSeconds=5", "Plugins:Settings:Acme=kept"], null, new Hashtable());

        var kept = SecretKeys.Without(settings.Configuration).ToDictionary(entry => entry.Key, entry => entry.Value);

        kept.Should().Contain("Scheduler:MisfireSeconds", "5").And.Contain("Plugins:Settings:Acme", "kept");
        string.Join(' ', kept.Values).Should().NotContainAny(ApiKey, Password, Token, Signature);
    }

    [Fact]
    public void VariablesIn_Environment_AreThoseOfSecrets()
        => SecretKeys.VariablesIn(new[] { "PATH", "ALPACA_Serving__ApiKey__0", "alpaca_scheduler__connectionstring", "ALPACA_Scheduler__Store", "ALPACA_Notifications__Webhooks__team__Url", "CREDENTIALS_DIRECTORY", "ALPACA_GOLDEN" })
            .Should().Equal("ALPACA_Serving__ApiKey__0", "alpaca_scheduler__connectionstring", "ALPACA_Notifications__Webhooks__team__Url", "CREDENTIALS_DIRECTORY");

    private static AlpacaSettings Load(string file, IDictionary? environment = null) => AlpacaSettings.Load(file, null, [], null, environment ?? new Hashtable());

    private static void SetMode(string path, UnixFileMode mode)
    {
        if (!OperatingSystem.IsWindows()) File.SetUnixFileMode(path, mode);
    }
}
