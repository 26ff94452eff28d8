using Alpaca.Abstractions;

namespace Microsoft.Extensions.DependencyInjection;

/// <summary>How a plugin registers what it offers.</summary>
public static class PluginServiceCollectionExtensions
{
    /// <summary>Registers a stage under a name.</summary>
    /// <typeparam name="TStage">The stage; created anew for each execution, with constructor injection.</typeparam>
    /// <typeparam name="TRequest">Its request.</typeparam>
    /// <typeparam name="TArtifact">Its artifact; must have a parameterless constructor, from which the kind is read.</typeparam>
    /// <param name="services">The plugin's container.</param>
    /// <param name="name">The stage's name in kebab-case, unique among all plugins.</param>
    public static IServiceCollection AddStage<TStage, TRequest, TArtifact>(this IServiceCollection services, string name)
        where TStage : class, IStage<TRequest, TArtifact>
        where TRequest : class, new()
        where TArtifact : Artifact, new()
    {
        ArgumentNullException.ThrowIfNull(services);
        ArgumentException.ThrowIfNullOrWhiteSpace(name);
        services.AddTransient<TStage>();
        services.AddSingleton<StageDescriptor>(new StageDescriptor<TStage, TRequest, TArtifact>(name, new TArtifact().Kind));
        return services;
    }

    /// <summary>Registers an inference backend.</summary>
    /// <typeparam name="TBackend">The backend; one instance for the plugin's lifetime.</typeparam>
    /// <param name="services">The plugin's container.</param>
    public static IServiceCollection AddInferenceBackend<TBackend>(this IServiceCollection services)
        where TBackend : class, IInferenceBackend
        => services.AddSingleton<IInferenceBackend, TBackend>();

    /// <summary>Registers a <see cref="IDownloader"/>; the name's default is <c>download</c>.</summary>
    public static IServiceCollection AddDownloader<TStage>(this IServiceCollection services, string name = "download")
        where TStage : class, IDownloader => services.AddStage<TStage, DownloadRequest, WeightsArtifact>(name);

    /// <summary>Registers a <see cref="ICheckpointConverter"/>; the name's default is <c>convert</c>.</summary>
    public static IServiceCollection AddCheckpointConverter<TStage>(this IServiceCollection services, string name = "convert")
        where TStage : class, ICheckpointConverter => services.AddStage<TStage, ConvertRequest, ModelArtifact>(name);

    /// <summary>Registers a <see cref="ITokenizerMerger"/>; the name's default is <c>merge-tokenizers</c>.</summary>
    public static IServiceCollection AddTokenizerMerger<TStage>(this IServiceCollection services, string name = "merge-tokenizers")
        where TStage : class, ITokenizerMerger => services.AddStage<TStage, MergeTokenizersRequest, TokenizerArtifact>(name);

    /// <summary>Registers a <see cref="ITrainer"/>; the name's default is <c>train</c>.</summary>
    public static IServiceCollection AddTrainer<TStage>(this IServiceCollection services, string name = "train")
        where TStage : class, ITrainer => services.AddStage<TStage, TrainRequest, AdapterArtifact>(name);

    /// <summary>Registers a <see cref="IPretrainer"/>; the name's default is <c>pretrain</c>.</summary>
    public static IServiceCollection AddPretrainer<TStage>(this IServiceCollection services, string name = "pretrain")
        where TStage : class, IPretrainer => services.AddStage<TStage, PretrainRequest, AdapterArtifact>(name);

    /// <summary>Registers a <see cref="IAdapterMerger"/>; the name's default is <c>merge</c>.</summary>
    public static IServiceCollection AddAdapterMerger<TStage>(this IServiceCollection services, string name = "merge")
        where TStage : class, IAdapterMerger => services.AddStage<TStage, MergeRequest, ModelArtifact>(name);

    /// <summary>Registers a <see cref="IModelExporter"/>; the name's default is <c>export</c>.</summary>
    public static IServiceCollection AddModelExporter<TStage>(this IServiceCollection services, string name = "export")
        where TStage : class, IModelExporter => services.AddStage<TStage, ExportRequest, OnnxArtifact>(name);

    /// <summary>Registers an <see cref="IEvaluator"/>; the name's default is <c>evaluate</c>.</summary>
    public static IServiceCollection AddEvaluator<TStage>(this IServiceCollection services, string name = "evaluate")
        where TStage : class, IEvaluator => services.AddStage<TStage, EvaluateRequest, EvaluationArtifact>(name);

    private sealed class StageDescriptor<TStage, TRequest, TArtifact>(string name, string artifactKind)
        : StageDescriptor(name, typeof(TRequest), artifactKind)
        where TStage : class, IStage<TRequest, TArtifact>
        where TRequest : class, new()
        where TArtifact : Artifact
    {
        public override bool CanPlan => typeof(IPlanningStage<TRequest>).IsAssignableFrom(typeof(TStage));

        public override StagePlan? Plan(IServiceProvider services, object request)
            => (services.GetRequiredService<TStage>() as IPlanningStage<TRequest>)?.Plan((TRequest)request);

        public override bool CanPreview => typeof(IPreviewingStage<TRequest>).IsAssignableFrom(typeof(TStage));

        public override DataPreview? Preview(IServiceProvider services, object request, int count)
            => (services.GetRequiredService<TStage>() as IPreviewingStage<TRequest>)?.Preview((TRequest)request, count);

        public override async Task<Artifact> ExecuteAsync(
            IServiceProvider services, object request, StageContext context, CancellationToken cancellationToken = default)
            => await services.GetRequiredService<TStage>().ExecuteAsync((TRequest)request, context, cancellationToken).ConfigureAwait(false);
    }
}
