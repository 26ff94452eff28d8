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

    /// <summary>Whether the stage is an <see cref="IPlanningStage{TRequest}"/>.</summary>
    public abstract bool CanPlan { get; }

    /// <summary>Says what the stage would do.</summary>
    /// <param name="services">The container of the plugin that registered the stage.</param>
    /// <param name="request">An instance of <see cref="RequestType"/>.</param>
    /// <returns>The plan, or <see langword="null"/> when the stage cannot tell (<see cref="CanPlan"/>).</returns>
    public abstract StagePlan? Plan(IServiceProvider services, object request);

    /// <summary>Whether the stage is an <see cref="IPreviewingStage{TRequest}"/>.</summary>
    public abstract bool CanPreview { get; }

    /// <summary>Shows data as the stage's model will see it.</summary>
    /// <param name="services">The container of the plugin that registered the stage.</param>
    /// <param name="request">An instance of <see cref="RequestType"/>.</param>
    /// <param name="count">How many samples, at least 1.</param>
    /// <returns>The preview, or <see langword="null"/> when the stage cannot tell (<see cref="CanPreview"/>).</returns>
    public abstract DataPreview? Preview(IServiceProvider services, object request, int count);

    /// <summary>Runs the stage.</summary>
    /// <param name="services">The container of the plugin that registered the stage.</param>
    /// <param name="request">An instance of <see cref="RequestType"/>.</param>
    /// <param name="context">Where to write and whom to tell.</param>
    /// <param name="cancellationToken">Ends the stage early.</param>
    public abstract Task<Artifact> ExecuteAsync(IServiceProvider services, object request, StageContext context, CancellationToken cancellationToken = default);
}
