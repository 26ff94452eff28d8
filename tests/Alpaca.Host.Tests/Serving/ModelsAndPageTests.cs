using System.Net;

namespace Alpaca.Host.Tests;

public sealed class ModelsAndPageTests
{
    [Fact]
    public async Task Get_Models_ListsTheModelAndItsAdapters()
    {
        await using var bench = await ServedBench.StartAsync(new EchoingGenerator("x") { Adapters = ["poems/v2"] });

        using var list = await bench.Client.GetAsync("/v1/models");
        using var one = await bench.Client.GetAsync("/v1/models/poems/v2");

        var data = (await ServedBench.ReadAsync(list, 200)).GetProperty("data");
        data[0].ToString().Should().Be("""{"id":"scripted","object":"model","created":1234,"owned_by":"alpaca"}""");
        data[1].ToString().Should().Be("""{"id":"poems/v2","object":"model","created":1234,"owned_by":"alpaca","parent":"scripted"}""").And.Be((await ServedBench.ReadAsync(one, 200)).ToString());
    }

    [Theory]
    [InlineData("/", "text/html")]
    [InlineData("/chat.css", "text/css")]
    [InlineData("/chat.js", "text/javascript")]
    public async Task Get_Page_NeedsNoKeyAndAllowsNothingFromElsewhere(string path, string type)
    {
        await using var bench = await ServedBench.StartAsync(null, "Serving:ApiKey=secret");

        using var response = await bench.Client.GetAsync(path);

        response.StatusCode.Should().Be(HttpStatusCode.OK);
        response.Content.Headers.ContentType!.MediaType.Should().Be(type);
        response.Headers.GetValues("Content-Security-Policy").Single().Should().Be("default-src 'self'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'");
        response.Headers.GetValues("X-Content-Type-Options").Single().Should().Be("nosniff");
        response.Headers.CacheControl!.NoCache.Should().BeTrue();
        (await response.Content.ReadAsStringAsync()).Should().NotBeEmpty();
    }

    [Fact]
    public async Task Get_Health_Answers()
    {
        await using var bench = await ServedBench.StartAsync(null, "Serving:ApiKey=secret");

        (await bench.Client.GetStringAsync("/health/live")).Should().Be("ok");
    }
}
