namespace Alpaca.Host;

/// <summary>One model that its owner has loaded, as what is served.</summary>
/// <param name="model">Not disposed here.</param>
internal sealed class SingleModel(ModelHandle model) : IServedModels
{
    private readonly ServedModel _served = new(Path.GetFileName(Path.TrimEndingDirectorySeparator(model.Folder)), DateTimeOffset.UnixEpoch, null);

    /// <inheritdoc />
    public IReadOnlyList<ServedModel> Models => [_served];

    /// <inheritdoc />
    public ModelLease Acquire(string? name) => new(_served, model, model.Adapter, static () => { });
}
