using Alpaca.Abstractions;

namespace Acme.Notes;

/// <summary>A backend that runs no model, to see backends listed.</summary>
public sealed class NotesBackend : IInferenceBackend
{
    /// <inheritdoc />
    public string Name => "Notes";

    /// <inheritdoc />
    public Task<ITextGenerator> LoadAsync(string modelFolder, InferenceOptions options, CancellationToken cancellationToken = default)
        => throw new AlpacaException($"{modelFolder} holds no notes; run acme-note first.");
}
