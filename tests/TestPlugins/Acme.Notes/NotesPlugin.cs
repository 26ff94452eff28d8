using Alpaca.Abstractions;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;

namespace Acme.Notes;

/// <summary>Small stages over text files, to see a pipeline engine at work.</summary>
public sealed class NotesPlugin : IPlugin
{
    /// <inheritdoc />
    public void ConfigureServices(IServiceCollection services, IConfiguration configuration)
    {
        services.AddStage<NoteStage, NoteRequest, NoteArtifact>("acme-note");
        services.AddStage<BinderStage, BinderRequest, BinderArtifact>("acme-binder");
        services.AddInferenceBackend<NotesBackend>();
    }
}
