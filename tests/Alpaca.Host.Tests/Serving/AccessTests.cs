using System.Collections;
using System.Net;
using System.Net.Http.Headers;
using Alpaca.Abstractions;

namespace Alpaca.Host.Tests;

/// <summary>Who is answered, and where.</summary>
public sealed class AccessTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData(null, HttpStatusCode.Unauthorized)]
    [InlineData("Bearer wrong", HttpStatusCode.Unauthorized)]
    [InlineData("Basic first", HttpStatusCode.Unauthorized)]
    [InlineData("Bearer firs", HttpStatusCode.Unauthorized)]
    [InlineData("Bearer first", HttpStatusCode.OK)]
    [InlineData("bearer second", HttpStatusCode.OK)]
    public async Task Get_WithKeys_DemandsOneOfThem(string? authorization, HttpStatusCode status)
    {
        await using var bench = await ServedBench.StartAsync(null, "Serving:ApiKey=first,second");
        if (authorization is not null) bench.Client.DefaultRequestHeaders.Authorization = AuthenticationHeaderValue.Parse(authorization);

        using var response = await bench.Client.GetAsync("/v1/models");

        response.StatusCode.Should().Be(status);
        if (status == HttpStatusCode.Unauthorized) (await ServedBench.ReadAsync(response, 401)).GetProperty("error").GetProperty("code").GetString().Should().Be("invalid_api_key");
    }

    [Fact]
    public async Task Post_WithoutKey_IsRefusedBeforeTheBodyIsLookedAt()
    {
        await using var bench = await ServedBench.StartAsync(null, "Serving:ApiKey=secret");

        await bench.AskAsync("/v1/chat/completions", "nonsense", 401);
    }

    [Fact]
    public async Task Get_MoreOftenThanAllowed_HasToWaitByItself()
    {
        await using var bench = await ServedBench.StartAsync(null, "Serving:ApiKey=first,second", "Serving:RequestsPerMinute=3");
        for (var i = 0; i < 3; i++) (await GetAsync("/v1/models", "first")).StatusCode.Should().Be(HttpStatusCode.OK);

        using var refused = await GetAsync("/v1/models", "first");
        (await ServedBench.ReadAsync(refused, 429)).GetProperty("error").GetProperty("code").GetString().Should().Be("rate_limit_exceeded");
        refused.Headers.RetryAfter!.Delta.Should().BeGreaterThan(TimeSpan.Zero).And.BeLessThanOrEqualTo(TimeSpan.FromSeconds(20));

        (await GetAsync("/v1/models", "second")).StatusCode.Should().Be(HttpStatusCode.OK, "another client has its own share");
        (await GetAsync("/health/live", "first")).StatusCode.Should().Be(HttpStatusCode.OK, "probes are not counted");

        async Task<HttpResponseMessage> GetAsync(string path, string key)
        {
            using var request = new HttpRequestMessage(HttpMethod.Get, path) { Headers = { Authorization = new AuthenticationHeaderValue("Bearer", key) } };
            return await bench.Client.SendAsync(request);
        }
    }

    [Theory]
    [InlineData("http://0.0.0.0:8000")]
    [InlineData("http://*:8000")]
    [InlineData("http://+:8000")]
    [InlineData("http://[::]:8000")]
    [InlineData("http://192.168.1.5:8000")]
    [InlineData("http://example.com:8000")]
    [InlineData("http://127.0.0.1:8000;http://0.0.0.0:8001")]
    public void Read_ReachableWithoutKey_IsRefused(string urls)
    {
        FluentActions.Invoking(() => Read("", urls)).Should().Throw<AlpacaUsageException>().WithMessage("*no API key*Serving:ApiKeyFile*");

        Read("\"ApiKey\": \"secret\"", urls).Urls.Should().NotBeEmpty();
    }

    [Theory]
    [InlineData("http://127.0.0.1:8000")]
    [InlineData("http://localhost:8000")]
    [InlineData("http://[::1]:8000/")]
    public void Read_LoopbackWithoutKey_IsFine(string urls) => Read("", urls).Urls.Should().Equal(urls);

    [Theory]
    [InlineData("https://127.0.0.1:8000")]
    [InlineData("127.0.0.1:8000")]
    [InlineData("http://127.0.0.1:8000/path")]
    [InlineData(";")]
    public void Read_ImpossibleUrl_IsRefused(string urls) => FluentActions.Invoking(() => Read("\"ApiKey\": \"secret\"", urls)).Should().Throw<AlpacaUsageException>().WithMessage("*--urls*http://127.0.0.1:19327*");

    [Fact]
    public void Read_KeyFile_HasOneKeyALine()
    {
        _folder.Write("keys", "# mine\n first \n\nsecond\n");

        Read("\"ApiKeyFile\": \"keys\", \"ApiKey\": \"third\"").ApiKeys.Should().BeEquivalentTo("first", "second", "third");
    }

    [Fact]
    public void Read_EverythingWrong_IsSaidAtOnce()
    {
        _folder.Write("keys", "# none\n");

        FluentActions.Invoking(() => Read("""
            "Enabled": "maybe", "Urls": "ftp://x", "ApiKeyFile": "keys", "MaxRequestBytes": 1, "QueueLimit": -1, "RequestsPerMinute": -1
            """)).Should().Throw<AlpacaUsageException>().Which.Message.Should().ContainAll("Serving:Enabled", "Serving:Urls", "Serving:ApiKeyFile", "Serving:MaxRequestBytes", "Serving:QueueLimit", "Serving:RequestsPerMinute");
    }

    [Fact]
    public void Read_Nothing_HasTheDefaults()
    {
        Read("").Should().BeEquivalentTo(new { Enabled = true, Urls = (string[])["http://127.0.0.1:19327"], ApiKeys = (string[])[], AllowedOrigins = (string[])[], MaxRequestBytes = 4194304, QueueLimit = 64, RequestsPerMinute = 0 });
    }

    [Theory]
    [InlineData("https://chat.example", true)]
    [InlineData("https://evil.example", false)]
    public async Task Preflight_AllowedOrigins_AreAnsweredWithoutKey(string origin, bool isAllowed)
    {
        await using var bench = await ServedBench.StartAsync(null, "Serving:ApiKey=secret", "Serving:AllowedOrigins=https://chat.example");
        using var request = new HttpRequestMessage(HttpMethod.Options, "/v1/chat/completions");
        request.Headers.Add("Origin", origin);
        request.Headers.Add("Access-Control-Request-Method", "POST");
        request.Headers.Add("Access-Control-Request-Headers", "authorization,content-type");

        using var response = await bench.Client.SendAsync(request);

        response.Headers.Contains("Access-Control-Allow-Origin").Should().Be(isAllowed);
    }

    private ServingSettings Read(string section, string? urls = null)
        => ServingSettings.Read(AlpacaSettings.Load(_folder.Write("appsettings.json", $$"""{ "Serving": { {{section}} } }"""), null, [], null, new Hashtable()), urls);
}
