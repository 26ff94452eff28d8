using Alpaca.Abstractions;
using Alpaca.Inference.Onnx;
using Alpaca.Inference.Torch;
using Microsoft.Extensions.Logging.Abstractions;

namespace Alpaca.Evaluation.Tests;

public sealed class EvaluatorTrialTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    private static EvaluateRequest Request { get; } = new()
    {
        Model = TinyGqa.Folder,
        ValidationFile = Path.Combine(TinyGqa.Folder, "instructions.json"),
        MaxSeqLength = TinyGqa.Expected.Evaluation.MaxSeqLength,
        SmokeMaxNewTokens = 40,
    };

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task ExecuteAsync_AnswersOfEveryKind_CountsThem()
    {
        var questions = _folder.Write("questions.jsonl", """
            {"prompt": "Say good."}
            {"instruction": "Say it in Chinese.", "output": "好"}
            {"instruction": "Say it over and over."}
            {"instruction": "Say it in the other script.", "output": ""}
            """);
        var backend = new ScriptedBackend("Scripted", new Dictionary<string, string>
        {
            ["Say good."] = "It is good.</s>",
            ["Say it in Chinese."] = "好</s>",
            ["Say it over and over."] = "so ",
            ["Say it in the other script."] = "早上好</s>",
        });

        var metrics = await EvaluateAsync(Request with { SmokeFile = questions }, backend);

        metrics["smokePassed"].Should().Be(0.5);
        metrics["smokeEnded"].Should().Be(0.75);
        metrics["smokeScript"].Should().Be(0.75);
        metrics["smokeLooped"].Should().Be(0.25);
        var report = EvaluationReport.Load(_folder.Combine("out", "report.json"));
        report.Smoke!.Answers.Select(answer => (answer.Question, answer.HasPassed)).Should().Equal(
            ("Say good.", true), ("Say it in Chinese.", true), ("Say it over and over.", false), ("Say it in the other script.", false));
        report.Smoke.Answers[1].Answer.Should().Be("好");
        (await File.ReadAllTextAsync(_folder.Combine("out", "report.json"))).Should().Contain("早上好", "people read it");
        (await File.ReadAllTextAsync(_folder.Combine("out", "report.md"))).Should().Contain("| Say it over and over. |").And.Contain("does not end, goes round in circles");
        backend.Loaded.Should().ContainSingle();
    }

    [Theory]
    [InlineData(AnswerScript.Han, 0)]
    [InlineData(AnswerScript.Latin, 1)]
    [InlineData(AnswerScript.Any, 1)]
    public async Task ExecuteAsync_ScriptThatIsAskedFor_WinsOverTheData(AnswerScript script, double expected)
    {
        var questions = _folder.Write("questions.jsonl", """{"instruction": "Say it.", "output": "好"}""");
        var backend = new ScriptedBackend("Scripted", new Dictionary<string, string> { ["Say it."] = "Yes.</s>" });

        (await EvaluateAsync(Request with { SmokeFile = questions, SmokeScript = script }, backend))["smokeScript"].Should().Be(expected);
    }

    [Fact]
    public async Task ExecuteAsync_NoSmokeFile_AsksTheFirstQuestionsOfTheValidationFile()
    {
        var backend = new ScriptedBackend("Scripted", new Dictionary<string, string> { ["Name the four seasons."] = "Spring.</s>", ["Which word does not belong"] = "hammer</s>" });

        (await EvaluateAsync(Request with { SmokeCount = 2 }, backend))["smokePassed"].Should().Be(1);
    }

    [Fact]
    public async Task ExecuteAsync_QuestionThatFillsTheContext_IsNamedWithItsLine()
    {
        var questions = _folder.Write("questions.jsonl", $$"""
            {"instruction": "Say it."}
            {"instruction": "{{new string('x', 600)}}"}
            """);

        var act = () => EvaluateAsync(Request with { SmokeFile = questions }, new TorchBackend());

        (await act.Should().ThrowAsync<AlpacaException>()).WithMessage("*questions.jsonl, line 2*no room*256*");
    }

    [Fact]
    public async Task ExecuteAsync_NoBackend_MeasuresLossesAlone()
    {
        var metrics = await EvaluateAsync(Request with { Forms = [await ExportAsync()] });

        metrics.Keys.Should().BeEquivalentTo("evalLoss", "perplexity", "tokenAccuracy", "tokens", "evalBitsPerByte");
    }

    [Fact]
    public async Task ExecuteAsync_NoBackendForTheForm_AsksQuestionsAlone()
    {
        var metrics = await EvaluateAsync(Request with { Forms = [await ExportAsync()] }, new TorchBackend());

        metrics.Should().ContainKey("smokePassed").And.NotContainKey("backendDifference").And.NotContainKey("backendGreedyAgreement");
    }

    [Fact]
    public async Task ExecuteAsync_NothingToAskOrCompare_LoadsNoBackend()
    {
        var backend = new ScriptedBackend("Scripted", new Dictionary<string, string>());

        await EvaluateAsync(Request with { SmokeCount = 0, Forms = [_folder.CreateFolder("unknown form")] }, backend);

        backend.Loaded.Should().BeEmpty();
    }

    [Fact]
    public async Task ExecuteAsync_ExportedModel_AgreesWithIt()
    {
        var metrics = await EvaluateAsync(Request with { Forms = [await ExportAsync()] }, new TorchBackend(), new OnnxBackend());

        metrics["backendDifference"].Should().BeInRange(0, 1e-3);
        metrics["backendMeanDifference"].Should().BeInRange(0, 1e-4);
        metrics["backendGreedyAgreement"].Should().BeGreaterThan(0.99);
        EvaluationReport.Load(_folder.Combine("out", "report.json")).Forms.Should().ContainSingle(form => form.Backend == "Onnx");
    }

    [Fact]
    public async Task ExecuteAsync_NoQuestions_StillComparesForms()
        => (await EvaluateAsync(Request with { Forms = [await ExportAsync()], SmokeCount = 0 }, new TorchBackend(), new OnnxBackend()))
            .Should().ContainKey("backendDifference").And.NotContainKey("backendGreedyAgreement").And.NotContainKey("smokePassed");

    [Fact]
    public async Task ExecuteAsync_DamagedForm_Shows()
    {
        var form = await ExportAsync();
        var data = Path.Combine(form, "model.onnx.data");
        var bytes = await File.ReadAllBytesAsync(data);
        bytes.AsSpan(bytes.Length / 2, bytes.Length / 8).Clear();
        await File.WriteAllBytesAsync(data, bytes);

        var metrics = await EvaluateAsync(Request with { Forms = [form] }, new TorchBackend(), new OnnxBackend());

        metrics["backendDifference"].Should().BeGreaterThan(0.05);
        metrics["backendGreedyAgreement"].Should().BeLessThan(1);
    }

    private async Task<string> ExportAsync()
    {
        var context = new StageContext { OutputFolder = _folder.CreateFolder("onnx"), ResumeFolder = _folder.CreateFolder("resume"), Progress = NullProgress.Instance, Logger = NullLogger.Instance };
        await new OnnxExporter().ExecuteAsync(new ExportRequest { Model = TinyGqa.Folder }, context);
        return context.OutputFolder;
    }

    private async Task<IReadOnlyDictionary<string, double>> EvaluateAsync(EvaluateRequest request, params IInferenceBackend[] backends)
    {
        var context = new StageContext
        {
            OutputFolder = _folder.CreateFolder("out"),
            ResumeFolder = _folder.CreateFolder("resume"),
            Progress = NullProgress.Instance,
            Logger = NullLogger.Instance,
            Backends = backends.ToDictionary(backend => backend.Name),
        };
        return (await new Evaluator().ExecuteAsync(request, context)).Metrics;
    }
}
