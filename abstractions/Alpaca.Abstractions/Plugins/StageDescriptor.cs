namespace Alpaca.Abstractions;

/// <summary>A stage as the host sees it: its name, its request type, and how to run it.</summary>
public abstract class StageDescriptor
{
    private protected StageDescriptor(string name, Type requestType, string artifactKind)
    {
        Name = name;
        RequestType = requestType;
        ArtifactKind = artifactKind;
    }

    /// <summary>The name by which pipelines and the command line call the stage, in kebab-case.</summary>
    public string Name { get; }

    /// <summary>The type whose public properties are the stage's options.</summary>
    public Type RequestType { get; }

    /// <summary>The kind of artifact the stage makes.</summary>
    public string ArtifactKind { get; }

    /// <summary>Runs the stage.</summary>
    /// <param name="services">The container of the plugin that registered the stage.</param>
    /// <param name="request">An instance of <see cref="RequestType"/>.</param>
    /// <param name="context">Where to write and whom to tell.</param>
    /// <param name="cancellationToken">Ends the stage early.</param>
    public abstract Task<Artifact> ExecuteAsync(IServiceProvider services, object request, StageContext context, CancellationToken cancellationToken = default);
}
