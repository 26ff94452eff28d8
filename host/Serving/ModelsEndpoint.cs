using Microsoft.AspNetCore.Http;

namespace Alpaca.Host;

/// <summary><c>GET /v1/models</c> and <c>GET /v1/models/NAME</c>: what can be asked for.</summary>
internal sealed class ModelsEndpoint(IServedModels models)
{
    public Task ListAsync(HttpContext context)
        => JsonAnswer.WriteAsync(context, new ModelList("list", [.. models.Models.Select(ModelEntry.Of)]), ApiJson.Default.ModelList);

    public Task GetAsync(HttpContext context)
    {
        var name = (string)context.Request.RouteValues["name"]!;
        var found = models.Models.FirstOrDefault(model => model.Name == name) ?? throw new UnknownModelException($"There is no model '{name}'; GET /v1/models has the names.");
        return JsonAnswer.WriteAsync(context, ModelEntry.Of(found), ApiJson.Default.ModelEntry);
    }
}
