using System.Text.Json;
using Alpaca.Abstractions;
using Microsoft.AspNetCore.Http;

namespace Alpaca.Host;

/// <summary>The registry over HTTP: the versions of a pipeline's models, and which of them is the champion.</summary>
internal sealed class ModelsApi(AlpacaSettings settings, ModelRegistry registry, RequestReader requests)
{
    /// <summary><c>GET /api/pipelines/NAME/models</c>: the newest first.</summary>
    public Task ListAsync(HttpContext context) => ManagementJson.WriteAsync(context, ModelListing.Of(registry, PipelineOf(context), settings));

    /// <summary><c>POST /api/pipelines/NAME/promote</c> with <c>{"version": 3, "force": false}</c>; a version is a number or <c>"candidate"</c>.</summary>
    public async Task PromoteAsync(HttpContext context)
    {
        var pipeline = PipelineOf(context);
        using var body = await requests.ReadAsync(context);
        var text = body.RootElement.TryGetProperty("version", out var version) ? version.ToString() : "";
        if (!ModelListing.IsVersion(text)) throw ApiException.Invalid($"version must be the number of a version or '{ModelListing.Candidate}'; GET /api/pipelines/{pipeline}/models lists them.", "version");
        var force = body.RootElement.TryGetProperty("force", out var flag) && flag.ValueKind switch
        {
            JsonValueKind.True => true,
            JsonValueKind.False or JsonValueKind.Null => false,
            _ => throw ApiException.Invalid("force must be true or false.", "force"),
        };
        await ChangeAsync(context, pipeline, () => registry.Promote(pipeline, ModelListing.NumberOf(text, registry, pipeline), force, "Promoted over HTTP."));
    }

    /// <summary><c>POST /api/pipelines/NAME/rollback</c>: the previous champion is the champion again.</summary>
    public Task RollBackAsync(HttpContext context)
    {
        var pipeline = PipelineOf(context);
        return ChangeAsync(context, pipeline, () => registry.RollBack(pipeline, "Rolled back over HTTP."));
    }

    private static async Task ChangeAsync(HttpContext context, string pipeline, Func<ModelVersion> change)
    {
        try
        {
            var version = change();
            await ManagementJson.WriteAsync(context, new { Pipeline = pipeline, Champion = version.Number });
        }
        catch (AlpacaException e)
        {
            throw new ApiException(StatusCodes.Status409Conflict, e.Message, ApiException.InvalidRequest, code: "not_changed");
        }
    }

    private string PipelineOf(HttpContext context) => ManagementApi.Known(settings, (string)context.Request.RouteValues["name"]!);
}
