namespace Alpaca.Host;

/// <summary>The answer of <c>/v1/models</c>.</summary>
internal sealed record ModelList(string Object, IReadOnlyList<ModelEntry> Data);

/// <summary>A model that can be asked for.</summary>
internal sealed record ModelEntry(string Id, string Object, long Created, string OwnedBy, string? Parent)
{
    public static ModelEntry Of(ServedModel model) => new(model.Name, "model", model.Created.ToUnixTimeSeconds(), "alpaca", model.Parent);
}
