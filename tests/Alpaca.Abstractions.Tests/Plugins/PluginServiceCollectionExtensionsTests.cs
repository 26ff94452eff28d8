using System.Runtime.InteropServices;
using Microsoft.Extensions.DependencyInjection;

namespace Alpaca.Abstractions.Tests;

public sealed class PluginServiceCollectionExtensionsTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void AddStage_Stage_IsDescribedByItsTypes()
    {
        var (stage, _) = Register(services => services.AddStage<EchoStage, EchoRequest, EchoArtifact>("echo"));

        (stage.Name, stage.RequestType, stage.ArtifactKind, stage.CanPlan, stage.CanPreview).Should().Be(("echo", typeof(EchoRequest), "echoes", false, false));
    }

    [Theory]
    [InlineData("")]
    [InlineData(" ")]
    public void AddStage_NoName_IsRefused(string name)
        => new ServiceCollection().Invoking(services => services.AddStage<EchoStage, EchoRequest, EchoArtifact>(name)).Should().Throw<ArgumentException>();

    [Fact]
    public async Task ExecuteAsync_Twice_GivesRequestContextAndTokenToAStageOfItsOwnEachTime()
    {
        var (stage, services) = Register(services => services.AddStage<EchoStage, EchoRequest, EchoArtifact>("echo"));
        var (request, context) = (new EchoRequest { Text = "hello" }, StageContexts.In(_folder));
        using var cancel = new CancellationTokenSource();

        var first = (EchoArtifact)await stage.ExecuteAsync(services, request, context, cancel.Token);
        var second = (EchoArtifact)await stage.ExecuteAsync(services, request, context, cancel.Token);

        (first.Request, first.Context, first.Token).Should().Be((request, context, cancel.Token));
        second.Stage.Should().NotBeSameAs(first.Stage);
    }

    [Fact]
    public async Task ExecuteAsync_RequestOfAnotherStage_Throws()
    {
        var (stage, services) = Register(services => services.AddStage<EchoStage, EchoRequest, EchoArtifact>("echo"));

        await stage.Awaiting(s => s.ExecuteAsync(services, new TrainRequest(), StageContexts.In(_folder))).Should().ThrowAsync<InvalidCastException>();
    }

    [Fact]
    public void PlanAndPreview_StageThatCan_AreItsOwn()
    {
        var (stage, services) = Register(services => services.AddStage<FarSightedStage, EchoRequest, EchoArtifact>("echo"));

        (stage.CanPlan, stage.CanPreview).Should().Be((true, true));
        stage.Plan(services, new EchoRequest { Text = "hello" })!.Steps.Should().Equal("echo hello");
        stage.Preview(services, new EchoRequest { Text = "hello" }, 2)!.Notes.Should().Equal("2 of hello");
    }

    [Fact]
    public void PlanAndPreview_StageThatCannot_AreNothing()
    {
        var (stage, services) = Register(services => services.AddStage<EchoStage, EchoRequest, EchoArtifact>("echo"));

        stage.Plan(services, new EchoRequest()).Should().BeNull();
        stage.Preview(services, new EchoRequest(), 1).Should().BeNull();
    }

    [Fact]
    public void AddInferenceBackend_Backend_IsOneForThePlugin()
    {
        var services = new ServiceCollection().AddInferenceBackend<NoBackend>().BuildServiceProvider();

        services.GetRequiredService<IInferenceBackend>().Should().BeOfType<NoBackend>().And.BeSameAs(services.GetRequiredService<IInferenceBackend>());
    }

    [Fact]
    public void Roles_WithoutANameOfTheirOwn_HaveTheNameOfTheCommandLine()
    {
        var services = new ServiceCollection();
        services.AddDownloader<EveryRole>().AddCheckpointConverter<EveryRole>().AddTokenizerMerger<EveryRole>().AddTrainer<EveryRole>().AddPretrainer<EveryRole>();
        services.AddAdapterMerger<EveryRole>().AddModelExporter<EveryRole>().AddEvaluator<EveryRole>().AddTrainer<EveryRole>("train-otherwise");

        var stages = services.BuildServiceProvider().GetServices<StageDescriptor>();

        stages.Select(stage => (stage.Name, stage.RequestType, stage.ArtifactKind)).Should().Equal(
            ("download", typeof(DownloadRequest), ArtifactKinds.Weights),
            ("convert", typeof(ConvertRequest), ArtifactKinds.Model),
            ("merge-tokenizers", typeof(MergeTokenizersRequest), ArtifactKinds.Tokenizer),
            ("train", typeof(TrainRequest), ArtifactKinds.Adapter),
            ("pretrain", typeof(PretrainRequest), ArtifactKinds.Adapter),
            ("merge", typeof(MergeRequest), ArtifactKinds.Model),
            ("export", typeof(ExportRequest), ArtifactKinds.Onnx),
            ("evaluate", typeof(EvaluateRequest), ArtifactKinds.Evaluation),
            ("train-otherwise", typeof(TrainRequest), ArtifactKinds.Adapter));
    }

    /// <summary>What is in the contract's assembly is shared with every plugin, and so is what it needs.</summary>
    [Fact]
    public void Assembly_References_AreTheRuntimesAndMicrosoftsAbstractionsAlone()
    {
        var runtime = Directory.GetFiles(RuntimeEnvironment.GetRuntimeDirectory(), "*.dll").Select(Path.GetFileNameWithoutExtension);

        Contracts.Assembly.GetReferencedAssemblies().Select(reference => reference.Name).Except(runtime).Should().OnlyContain(name => name!.StartsWith("Microsoft.Extensions.") && name.EndsWith(".Abstractions"));
        Contracts.Assembly.GetName().Version.Should().Be(new Version(1, 0, 0, 0), "plugins that were built before have to go on working");
    }

    private static (StageDescriptor Stage, IServiceProvider Services) Register(Action<IServiceCollection> register)
    {
        var services = new ServiceCollection();
        register(services);
        var provider = services.BuildServiceProvider();
        return (provider.GetRequiredService<StageDescriptor>(), provider);
    }

    private sealed record EchoRequest
    {
        public string Text { get; init; } = "";
    }

    private sealed record EchoArtifact : Artifact
    {
        public override string Kind => "echoes";

        public object? Stage { get; init; }

        public EchoRequest? Request { get; init; }

        public StageContext? Context { get; init; }

        public CancellationToken Token { get; init; }
    }

    private class EchoStage : IStage<EchoRequest, EchoArtifact>
    {
        public Task<EchoArtifact> ExecuteAsync(EchoRequest request, StageContext context, CancellationToken cancellationToken = default)
            => Task.FromResult(new EchoArtifact { Stage = this, Request = request, Context = context, Token = cancellationToken });
    }

    private sealed class FarSightedStage : EchoStage, IPlanningStage<EchoRequest>, IPreviewingStage<EchoRequest>
    {
        public StagePlan Plan(EchoRequest request) => new() { Steps = [$"echo {request.Text}"], OutputBytes = 0, MemoryBytes = 0 };

        public DataPreview Preview(EchoRequest request, int count) => new([$"{count} of {request.Text}"], []);
    }

    private sealed class EveryRole : IDownloader, ICheckpointConverter, ITokenizerMerger, ITrainer, IPretrainer, IAdapterMerger, IModelExporter, IEvaluator
    {
        public Task<WeightsArtifact> ExecuteAsync(DownloadRequest request, StageContext context, CancellationToken cancellationToken = default) => throw new NotSupportedException();

        public Task<ModelArtifact> ExecuteAsync(ConvertRequest request, StageContext context, CancellationToken cancellationToken = default) => throw new NotSupportedException();

        public Task<TokenizerArtifact> ExecuteAsync(MergeTokenizersRequest request, StageContext context, CancellationToken cancellationToken = default) => throw new NotSupportedException();

        public Task<AdapterArtifact> ExecuteAsync(TrainRequest request, StageContext context, CancellationToken cancellationToken = default) => throw new NotSupportedException();

        public Task<AdapterArtifact> ExecuteAsync(PretrainRequest request, StageContext context, CancellationToken cancellationToken = default) => throw new NotSupportedException();

        public Task<ModelArtifact> ExecuteAsync(MergeRequest request, StageContext context, CancellationToken cancellationToken = default) => throw new NotSupportedException();

        public Task<OnnxArtifact> ExecuteAsync(ExportRequest request, StageContext context, CancellationToken cancellationToken = default) => throw new NotSupportedException();

        public Task<EvaluationArtifact> ExecuteAsync(EvaluateRequest request, StageContext context, CancellationToken cancellationToken = default) => throw new NotSupportedException();
    }

    private sealed class NoBackend : IInferenceBackend
    {
        public string Name => "None";

        public Task<ITextGenerator> LoadAsync(string modelFolder, InferenceOptions options, CancellationToken cancellationToken = default) => throw new NotSupportedException();
    }
}
