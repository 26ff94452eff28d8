using System.Collections;
using System.Net.Http.Headers;
using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;

namespace Alpaca.Host.Tests;

/// <summary>The server over a model that the test knows, in this process, at a port of its own.</summary>
internal sealed class ServedBench : IAsyncDisposable
{
    private readonly WebApplication _app;

    private ServedBench(WebApplication app, EchoingGenerator generator, FixedModels models)
    {
        (_app, Generator, Models) = (app, generator, models);
        Client = new HttpClient { BaseAddress = Address };
    }

    public EchoingGenerator Generator { get; }

    public FixedModels Models { get; }

    public HttpClient Client { get; }

    public Uri Address => new(_app.Urls.Single());

    public RequestGate Gate => _app.Services.GetRequiredService<RequestGate>();

    public AnswerDeadline Deadline => _app.Services.GetRequiredService<AnswerDeadline>();

    /// <summary>Starts it.</summary>
    /// <param name="generator">The model; one that says 北京。 if there is none.</param>
    /// <param name="overrides">Keys of the section Serving.</param>
    public static async Task<ServedBench> StartAsync(EchoingGenerator? generator = null, params string[] overrides)
    {
        generator ??= new EchoingGenerator("北京。");
        using var folder = new TemporaryFolder();
        var configuration = folder.Write("appsettings.json", """{ "Serving": { "Urls": "http://127.0.0.1:0" } }""");
        var settings = ServingSettings.Read(AlpacaSettings.Load(configuration, null, overrides, null, new Hashtable()));
        var models = new FixedModels(generator);

        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.Services.AddSingleton(TimeProvider.System);
        builder.Services.AddSingleton<IServedModels>(models);
        builder.Services.AddSingleton(TestMetrics.Create());
        ApiServer.Add(builder, settings, running: 2);
        var app = builder.Build();
        ApiServer.Map(app, settings);
        await app.StartAsync();
        return new ServedBench(app, generator, models);
    }

    public Task<HttpResponseMessage> PostAsync(string path, string json, CancellationToken cancellationToken = default)
        => Client.PostAsync(path, new StringContent(json, new MediaTypeHeaderValue("application/json")), cancellationToken);

    /// <summary>Asks, and expects that status.</summary>
    public async Task<JsonElement> AskAsync(string path, string json, int status = 200)
    {
        using var response = await PostAsync(path, json);
        return await ReadAsync(response, status);
    }

    /// <summary>Asks for a stream.</summary>
    /// <returns>The data of each event, the last one included.</returns>
    public async Task<List<string>> StreamAsync(string path, string json)
    {
        using var response = await PostAsync(path, json);
        var text = await response.Content.ReadAsStringAsync();
        ((int)response.StatusCode).Should().Be(200, text);
        response.Content.Headers.ContentType!.MediaType.Should().Be("text/event-stream");
        text.Should().EndWith("\n\n");
        return [.. text.Split("\n\n", StringSplitOptions.RemoveEmptyEntries).Where(line => line[0] != ':').Select(line => line.StartsWith("data: ", StringComparison.Ordinal) ? line[6..] : throw new FormatException(line))];
    }

    public static async Task<JsonElement> ReadAsync(HttpResponseMessage response, int status)
    {
        var text = await response.Content.ReadAsStringAsync();
        ((int)response.StatusCode).Should().Be(status, text);
        response.Content.Headers.ContentType!.MediaType.Should().Be("application/json");
        using var document = JsonDocument.Parse(text);
        return document.RootElement.Clone();
    }

    /// <summary>Waits until nothing is being answered any more.</summary>
    public async Task IdleAsync()
    {
        using var limit = new CancellationTokenSource(TimeSpan.FromMinutes(3));
        while (Generator.Running > 0 || Gate.Entered > 0 || Models.Leases > 0) await Task.Delay(5, limit.Token);
    }

    /// <summary>A request for a chat with more fields.</summary>
    public static string Chat(string fields = "", string question = "中国的首都是哪里？")
        => $$"""{ "messages": [{ "role": "user", "content": {{Quoted(question)}} }]{{(fields.Length > 0 ? ", " + fields : "")}} }""";

    public async ValueTask DisposeAsync()
    {
        Client.Dispose();
        await _app.DisposeAsync();
        Models.Dispose();
    }

    private static string Quoted(string text) => $"\"{JsonEncodedText.Encode(text)}\"";
}
