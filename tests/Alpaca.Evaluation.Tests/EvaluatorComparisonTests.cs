using Alpaca.Abstractions;
using Alpaca.Text;

namespace Alpaca.Evaluation.Tests;

public sealed class EvaluatorComparisonTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    private static EvaluateRequest Request { get; } = new()
    {
        Model = TinyGqa.Folder,
        ValidationFile = Path.Combine(TinyGqa.Folder, "instructions.json"),
        MaxSeqLength = TinyGqa.Expected.Evaluation.MaxSeqLength,
    };

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task ExecuteAsync_ChampionIsTheModel_GivesEqualFiguresWithoutLoadingItTwice()
    {
        var progress = new RecordingProgress();

        var metrics = await EvaluateAsync(Request with { Champion = TinyGqa.Folder + Path.DirectorySeparatorChar, ProbeFile = Request.ValidationFile }, progress);

        ShouldBeEqual(metrics);
        progress.Started.Count(name => name == "loading").Should().Be(1);
    }

    [Fact]
    public async Task ExecuteAsync_ChampionIsACopy_GivesEqualFigures()
    {
        var progress = new RecordingProgress();

        var metrics = await EvaluateAsync(Request with { Champion = TinyModel.CopyTo(_folder.CreateFolder("copy")), ProbeFile = Request.ValidationFile }, progress);

        ShouldBeEqual(metrics);
        progress.Started.Count(name => name == "loading").Should().Be(2);
    }

    [Fact]
    public async Task ExecuteAsync_DamagedModel_IsWorseThanTheChampionOnBothFiles()
    {
        var probe = _folder.Write("probe.json", """[{ "instruction": "Name a colour.", "output": "Blue is a colour." }, { "instruction": "Name a fruit.", "output": "A pear is a fruit." }]""");

        var metrics = await EvaluateAsync(Request with { Model = TinyModel.CopyTo(_folder.CreateFolder("damaged"), "lm_head.weight"), Champion = TinyGqa.Folder, ProbeFile = probe });

        metrics["championEvalLoss"].Should().BeApproximately(TinyGqa.Expected.Evaluation.EvalLoss, 1e-4);
        metrics["championTokenAccuracy"].Should().BeApproximately(TinyGqa.Expected.Evaluation.TokenAccuracy, 1e-9);
        metrics["evalLoss"].Should().BeGreaterThan(2 * metrics["championEvalLoss"]);
        metrics["perplexity"].Should().BeGreaterThan(metrics["championPerplexity"]);
        metrics["probeLoss"].Should().BeGreaterThan(2 * metrics["championProbeLoss"]);
        Report().Probe!.Samples.Should().Be(2);
    }

    [Fact]
    public async Task ExecuteAsync_WholeSamples_GiveTheBitsOfEachByte()
    {
        var metrics = await EvaluateAsync(Request with { MaxSeqLength = 256 });

        var bytes = InstructionDataset.Load([Request.ValidationFile]).Sum(sample => System.Text.Encoding.UTF8.GetByteCount(sample.Turns[0].Assistant!));
        Report().Validation.SkippedSamples.Should().Be(0);
        metrics["evalBitsPerByte"].Should().BeApproximately(metrics["evalLoss"] * metrics["tokens"] / Math.Log(2) / bytes, 1e-9, "no sample is cut at 256 tokens");
    }

    [Fact]
    public async Task ExecuteAsync_ChampionWithAnotherTokenizer_IsComparedByBytesOfTheSamplesThatAreWholeForBoth()
    {
        var champion = TinyModel.CopyTo(_folder.CreateFolder("other"));
        ReplacePiece(Path.Combine(champion, "tokenizer.model"), "▁the", "▁tqz");
        var lengths = InstructionDataset.Load([Request.ValidationFile])
            .Select(sample => (Here: Length(sample, TinyGqa.Folder), There: Length(sample, champion), Bytes: System.Text.Encoding.UTF8.GetByteCount(sample.Turns[0].Assistant!))).ToList();
        lengths.Should().Contain(each => each.There > each.Here, "the champion has one piece less");

        var whole = await EvaluateAsync(Request with { Champion = champion, MaxSeqLength = 256 });
        Report().ChampionHasOtherTokens.Should().BeTrue();
        whole["championEvalBitsPerByte"].Should().NotBe(whole["evalBitsPerByte"]);
        Report().ChampionValidation!.Tokens.Should().BeGreaterThan(Report().Validation.Tokens);
        (await File.ReadAllTextAsync(_folder.Combine("out", "report.md"))).Should().Contain("compare their bits per byte");

        // At this length a sample is whole for the model and cut for the champion: it counts in the loss, and for neither in the bits per byte.
        var split = lengths.First(each => each.There > each.Here);
        var cut = await EvaluateAsync(Request with { Champion = champion, MaxSeqLength = split.Here });
        var alone = await EvaluateAsync(Request with { MaxSeqLength = split.Here });
        cut["evalLoss"].Should().BeApproximately(alone["evalLoss"], 1e-5);
        cut["evalBitsPerByte"].Should().NotBeApproximately(alone["evalBitsPerByte"], 1e-6);

        static int Length(Conversation sample, string folder) => SupervisedEncoder.Encode(sample, ModelTokenizer.Load(folder), PromptTemplate.Get("alpaca")).InputIds.Length;
    }

    [Fact]
    public async Task ExecuteAsync_WeightsThatAreNoNumbers_FailsWithTheFolder()
    {
        var broken = TinyModel.CopyTo(_folder.CreateFolder("broken"));
        FillWithNaN(Path.Combine(broken, "model.safetensors"));

        var act = () => EvaluateAsync(Request with { Model = broken });

        (await act.Should().ThrowAsync<AlpacaException>()).WithMessage($"*{broken}*no finite number*");
    }

    [Fact]
    public async Task ExecuteAsync_SeveralThingsWrong_NamesThemAll()
    {
        var act = () => EvaluateAsync(Request with { Champion = "no/champion", ProbeFile = "no/probe.json", SmokeFile = "no/smoke.jsonl", Device = "abacus", Forms = ["no/form"] });

        (await act.Should().ThrowAsync<AlpacaException>()).Which.Message.Should().ContainAll("no/champion", "no/probe.json", "no/smoke.jsonl", "abacus", "no/form");
    }

    private static void ShouldBeEqual(IReadOnlyDictionary<string, double> metrics)
    {
        foreach (var (champion, model) in ((string, string)[])
        [
            ("championEvalLoss", "evalLoss"), ("championPerplexity", "perplexity"), ("championTokenAccuracy", "tokenAccuracy"), ("championEvalBitsPerByte", "evalBitsPerByte"),
            ("championProbeLoss", "probeLoss"), ("championProbeBitsPerByte", "probeBitsPerByte"), ("probeLoss", "evalLoss"),
        ])
            metrics[champion].Should().Be(metrics[model], "{0} is {1}", champion, model);
    }

    private async Task<IReadOnlyDictionary<string, double>> EvaluateAsync(EvaluateRequest request, IStageProgress? progress = null)
    {
        var context = new StageContext
        {
            OutputFolder = _folder.CreateFolder("out"),
            ResumeFolder = _folder.CreateFolder("resume"),
            Progress = progress ?? NullProgress.Instance,
            Logger = Microsoft.Extensions.Logging.Abstractions.NullLogger.Instance,
        };
        return (await new Evaluator().ExecuteAsync(request, context)).Metrics;
    }

    private EvaluationReport Report() => EvaluationReport.Load(_folder.Combine("out", "report.json"));

    private static void ReplacePiece(string model, string piece, string other)
    {
        var bytes = File.ReadAllBytes(model);
        var at = bytes.AsSpan().IndexOf([(byte)System.Text.Encoding.UTF8.GetByteCount(piece), .. System.Text.Encoding.UTF8.GetBytes(piece)]);
        at.Should().BePositive();
        System.Text.Encoding.UTF8.GetBytes(other).CopyTo(bytes.AsSpan(at + 1));
        File.WriteAllBytes(model, bytes);
    }

    /// <summary>Makes the last values of a weight file, whichever they belong to, no numbers.</summary>
    private static void FillWithNaN(string weights)
    {
        var bytes = File.ReadAllBytes(weights);
        for (var i = bytes.Length - 4096; i < bytes.Length; i += 2) BitConverter.TryWriteBytes(bytes.AsSpan(i), Half.NaN);
        File.WriteAllBytes(weights, bytes);
    }

    private sealed class RecordingProgress : IStageProgress
    {
        public List<string> Started { get; } = [];

        public IProgressTask Start(string description, double? total, ProgressUnit unit)
        {
            Started.Add(description);
            return NullProgress.Instance.Start(description, total, unit);
        }
    }
}
