using System.Text.Json;
using Alpaca.Abstractions;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Time.Testing;

namespace Alpaca.Evaluation.Tests;

public sealed class EvaluatorTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    private static EvaluateRequest Request { get; } = new()
    {
        Model = TinyGqa.Folder,
        ValidationFile = Path.Combine(TinyGqa.Folder, "instructions.json"),
        MaxSeqLength = TinyGqa.Expected.Evaluation.MaxSeqLength,
    };

    [Theory]
    [InlineData(1)]
    [InlineData(4)]
    [InlineData(100)]
    public async Task ExecuteAsync_AnyBatchSize_GivesPyTorchsFigures(int batchSize)
    {
        var expected = TinyGqa.Expected.Evaluation;

        var artifact = await new Evaluator().ExecuteAsync(Request with { BatchSize = batchSize }, StageContexts.In(_folder));

        artifact.Metrics["evalLoss"].Should().BeApproximately(expected.EvalLoss, 1e-4);
        artifact.Metrics["perplexity"].Should().BeApproximately(Math.Exp(expected.EvalLoss), 0.1);
        artifact.Metrics["tokenAccuracy"].Should().BeApproximately(expected.TokenAccuracy, 1e-9);
        artifact.Metrics["tokens"].Should().Be(expected.Tokens);
    }

    [Fact]
    public async Task ExecuteAsync_AnyModel_WritesTheReport()
    {
        var context = StageContexts.In(_folder, time: new FakeTimeProvider { AutoAdvanceAmount = TimeSpan.FromSeconds(3) });

        var artifact = await new Evaluator().ExecuteAsync(Request, context);

        using var json = JsonDocument.Parse(await File.ReadAllBytesAsync(Path.Combine(context.OutputFolder, "report.json")));
        json.RootElement.GetProperty("evalLoss").GetDouble().Should().Be(artifact.Metrics["evalLoss"]);
        EvaluationReport.Load(Path.Combine(context.OutputFolder, "report.json")).Should().BeEquivalentTo(new
        {
            Perplexity = artifact.Metrics["perplexity"],
            TokenAccuracy = artifact.Metrics["tokenAccuracy"],
            TinyGqa.Expected.Evaluation.Tokens,
            Samples = 6,
            SkippedSamples = 0,
            ValidationFile = "instructions.json",
            Template = "alpaca",
            MaxSeqLength = 160,
            Seconds = 3.0,
        });
    }

    [Fact]
    public async Task ExecuteAsync_PromptLongerThanTheLimit_LeavesTheSampleOut()
    {
        var data = _folder.Write("data.json", JsonSerializer.Serialize(new[]
        {
            new { instruction = new string('x', 500), output = "never seen" },
            new { instruction = "Say yes.", output = "yes" },
        }));

        var artifact = await new Evaluator().ExecuteAsync(Request with { ValidationFile = data, MaxSeqLength = 512 }, StageContexts.In(_folder));

        var report = EvaluationReport.Load(_folder.Combine("out", "report.json"));
        report.SkippedSamples.Should().Be(1);
        report.Samples.Should().Be(1);
        report.MaxSeqLength.Should().Be(256, "the model has no more positions");
        artifact.Metrics["evalLoss"].Should().BePositive();
    }

    [Fact]
    public async Task ExecuteAsync_NoAnswerWithinTheLimit_NamesFileAndOption()
    {
        var act = () => new Evaluator().ExecuteAsync(Request with { MaxSeqLength = 8 }, StageContexts.In(_folder));
        (await act.Should().ThrowAsync<AlpacaException>()).WithMessage("No sample of *instructions.json*8 tokens*MaxSeqLength*");
    }

    [Fact]
    public async Task ExecuteAsync_TokenizerLargerThanTheModel_NamesBothSizes()
    {
        foreach (var file in Directory.EnumerateFiles(TinyGqa.Folder)) File.Copy(file, _folder.Combine(Path.GetFileName(file)));
        _folder.Write("added_tokens.json", """{"[PAD]": 400}""");

        var act = () => new Evaluator().ExecuteAsync(Request with { Model = _folder.Path }, StageContexts.In(_folder));

        (await act.Should().ThrowAsync<AlpacaException>()).WithMessage("*401 pieces*400 rows*");
    }

    [Fact]
    public async Task ExecuteAsync_UnknownTemplate_ListsTheKnownOnes()
    {
        var act = () => new Evaluator().ExecuteAsync(Request with { Template = "vicuna" }, StageContexts.In(_folder));
        (await act.Should().ThrowAsync<AlpacaUsageException>()).WithMessage("*vicuna*alpaca*");
    }

    [Fact]
    public async Task ExecuteAsync_Cancelled_Stops()
    {
        using var source = new CancellationTokenSource();
        await source.CancelAsync();
        var act = () => new Evaluator().ExecuteAsync(Request, StageContexts.In(_folder), source.Token);
        await act.Should().ThrowAsync<OperationCanceledException>();
    }

    [Fact]
    public void ConfigureServices_Plugin_OffersTheStageEvaluate()
    {
        var services = new ServiceCollection();
        new EvaluationPlugin().ConfigureServices(services, null!);
        services.Select(service => service.ImplementationInstance).OfType<StageDescriptor>().Single().Name.Should().Be("evaluate");
    }

    public void Dispose() => _folder.Dispose();
}
