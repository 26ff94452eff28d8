using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace Alpaca.Host;

/// <summary>The HTTP server, compatible with OpenAI's interface, inside the worker.</summary>
internal static class ApiServer
{
    /// <summary>Adds what it needs. <see cref="IServedModels"/> and <see cref="TimeProvider"/> have to be there too.</summary>
    /// <param name="builder">The worker's builder.</param>
    /// <param name="settings">Where it listens, and whom it answers.</param>
    /// <param name="running">How many requests the model runs at a time.</param>
    public static void Add(WebApplicationBuilder builder, ServingSettings settings, int running)
    {
        builder.WebHost.UseKestrelCore();
        builder.WebHost.UseUrls([.. settings.Urls]);
        builder.Logging.AddFilter("Microsoft.AspNetCore", LogLevel.Warning); // otherwise two lines a request
        builder.Services.Configure<KestrelServerOptions>(kestrel =>
        {
            kestrel.AddServerHeader = false;
            kestrel.Limits.MaxRequestBodySize = null; // RequestReader has a limit
        });
        builder.Services.AddRoutingCore();
        builder.Services.AddCors(cors => cors.AddDefaultPolicy(policy => policy.WithOrigins([.. settings.AllowedOrigins]).AllowAnyHeader().AllowAnyMethod()));
        builder.Services.AddSingleton(new RequestReader(settings.MaxRequestBytes));
        builder.Services.AddSingleton(new RequestGate(running + settings.QueueLimit));
        if (settings.RequestsPerMinute > 0) builder.Services.AddSingleton(_ => new RequestRate(settings.RequestsPerMinute, settings.ApiKeys.Count > 0)); // disposed with the container
        builder.Services.AddSingleton<ApiErrors>();
        builder.Services.AddSingleton<AnswerDeadline>();
        builder.Services.AddSingleton<EventStream>();
        builder.Services.AddSingleton<ModelsEndpoint>();
        builder.Services.AddSingleton<ChatCompletionsEndpoint>();
        builder.Services.AddSingleton<CompletionsEndpoint>();
        builder.Services.AddSingleton<EmbeddingsEndpoint>();
    }

    /// <summary>Puts the endpoints in place.</summary>
    public static void Map(WebApplication app, ServingSettings settings)
    {
        app.Use(app.Services.GetRequiredService<ApiErrors>().InvokeAsync);
        if (settings.AllowedOrigins.Count > 0) app.UseCors(); // before the key: a browser asks beforehand without it
        if (settings.ApiKeys.Count > 0) app.Use(new ApiKeyCheck(settings.ApiKeys).InvokeAsync);
        else app.Use(new LocalRequests(settings.AllowedOrigins).InvokeAsync);
        if (settings.RequestsPerMinute > 0) app.Use(app.Services.GetRequiredService<RequestRate>().InvokeAsync); // behind the key, so that a key that is none takes no place
        app.UseRouting();

        ChatPage.Map(app);
        app.MapGetAndHead("/health/live", context => context.Response.WriteAsync("ok", context.RequestAborted));
        var models = app.Services.GetRequiredService<ModelsEndpoint>();
        app.MapGetAndHead("/v1/models", models.ListAsync);
        app.MapGetAndHead("/v1/models/{**name}", models.GetAsync);
        app.MapPost("/v1/chat/completions", app.Services.GetRequiredService<ChatCompletionsEndpoint>().HandleAsync);
        app.MapPost("/v1/completions", app.Services.GetRequiredService<CompletionsEndpoint>().HandleAsync);
        app.MapPost("/v1/embeddings", app.Services.GetRequiredService<EmbeddingsEndpoint>().HandleAsync);
    }
}
