namespace Alpaca.Host.Tests;

public sealed class StageVerbTests : IDisposable
{
    private readonly CommandBench _bench = new();

    private string Output => _bench.Folder.Combine("out");

    public void Dispose() => _bench.Dispose();

    [Fact]
    public async Task Stage_OptionsOfAPlugin_RunsItAndSaysSoOnStandardError()
    {
        var run = (await _bench.InvokeAsync("stage", "acme-note", "--text", "你好", "--copies", "2", "--output-dir", Output)).ShouldSucceed();

        File.ReadAllText(Path.Combine(Output, "pages", "1.txt")).Should().Be("你好\n你好\n");
        run.Output.Should().BeEmpty();
        run.Error.Should().Contain("acme-note: done in");
    }

    [Fact]
    public async Task Stage_Help_ShowsOptionsWithDefaultsAndDescriptions()
        => (await _bench.InvokeAsync("stage", "acme-note", "--help")).ShouldSucceed().Output.Should().MatchRegex(@"--text <TEXT>\s+What is noted \(required\)")
            .And.MatchRegex(@"--copies <N>\s+How often it is written \[default: 1\]").And.MatchRegex(@"--mishap <none\|error\|once\|crash\|hang\|wait\|locked>\s+What goes wrong \[default: none\]")
            .And.Contain("--output-dir").And.Contain("--overwrite");

    [Fact]
    public async Task Stage_EverythingWrong_IsReportedAtOnce()
    {
        (await _bench.InvokeAsync("stage", "acme-note", "--tetx", "x", "--copies", "200", "--mishap", "fire")).ShouldFail(
            ExitCodes.Usage, "--tetx is not an option of `stage acme-note`; did you mean --text?", "--copies is 200; it must be from 1 to 100", "--mishap is 'fire'", "--text is missing", "--output-dir is missing");
        Directory.Exists(Output).Should().BeFalse();
    }

    [Fact]
    public async Task Stage_DryRun_PrintsThePlanAndWritesNothing()
    {
        (await _bench.InvokeAsync("stage", "acme-note", "--text", "你好", "--copies", "2", "--dry-run")).ShouldSucceed().Output
            .Should().Contain("notes '你好' 2 times").And.Contain("disk: 0.0 MB; memory: 1.0 MB");
        var plan = (await _bench.InvokeAsync("stage", "acme-note", "--text", "ab", "--dry-run", "--json", "--output-dir", Output)).ShouldSucceed().Json;

        plan.GetProperty("steps")[0].GetString().Should().Be("notes 'ab' 1 times");
        plan.GetProperty("outputBytes").GetInt64().Should().Be(3);
        Directory.Exists(Output).Should().BeFalse();
    }

    [Fact]
    public async Task Stage_DryRunOfWhatWouldFail_FailsTheSameWay()
        => (await _bench.InvokeAsync("stage", "acme-note", "--text", "x", "--mishap", "error", "--dry-run")).ShouldFail(ExitCodes.Failure, "The pen ran dry; refill it.");

    [Fact]
    public async Task Preview_Samples_ShowsWhatIsLearnedAndWritesNothing()
    {
        (await _bench.InvokeAsync("stage", "acme-note", "--text", "你好", "--preview", "2")).ShouldSucceed().Output
            .Should().Contain("one note").And.Contain("── page 1: 2 tokens").And.Contain("read «你好»").And.Contain("page 2");
        var preview = (await _bench.InvokeAsync("stage", "acme-note", "--text", "ab", "--preview", "1", "--json", "--output-dir", Output)).ShouldSucceed().Json;
        preview.GetProperty("samples")[0].GetProperty("spans")[1].GetProperty("isLearned").GetBoolean().Should().BeTrue();
        Directory.Exists(Output).Should().BeFalse();
    }

    [Theory]
    [InlineData("acme-binder", "--dry-run", "--dry-run is not an option of `stage acme-binder`")]
    [InlineData("acme-note", "--json", "--json goes with --dry-run or --preview")]
    [InlineData("acme-note", "--preview=0", "--preview must be a whole number from 1")]
    [InlineData("acme-binder", "--preview=1", "--preview is not an option of `stage acme-binder`")]
    public async Task Stage_PlanOptionThatDoesNotApply_SaysSo(string stage, string option, string message)
        => (await _bench.InvokeAsync("stage", stage, option, "--output-dir", Output)).ShouldFail(ExitCodes.Usage, message);

    [Theory]
    [InlineData("acme-nite", "acme-nite is not a stage (there is acme-note, acme-binder); did you mean acme-note?")]
    [InlineData("", "Name a stage: acme-note, acme-binder.")]
    public async Task Stage_NameIsWrongOrMissing_ListsTheStages(string name, string message)
        => (await _bench.InvokeAsync(["stage", .. name.Split(' ', StringSplitOptions.RemoveEmptyEntries)])).ShouldFail(ExitCodes.Usage, message);

    [Theory]
    [InlineData("error", "The pen ran dry; refill it.")]
    [InlineData("crash", "The paper jammed.")]
    public async Task Stage_Fails_SaysWhyAndLeavesNoOutput(string mishap, string message)
    {
        (await _bench.InvokeAsync("stage", "acme-note", "--text", "x", "--mishap", mishap, "--output-dir", Output)).ShouldFail(ExitCodes.Failure, message);
        Directory.Exists(Output).Should().BeFalse();
    }

    [Fact]
    public async Task Stage_ListOption_TakesCommasAndRepetition()
    {
        foreach (var name in (string[])["a", "b", "c"]) _bench.Folder.Write($"{name}/1.txt", name);
        string Note(string name) => _bench.Folder.Combine(name);

        (await _bench.InvokeAsync("stage", "acme-binder", "--notes", $"{Note("a")},{Note("b")}", "--notes", Note("c"), "--cover", Note("a"), "--output-dir", Output)).ShouldSucceed();

        File.ReadAllText(Path.Combine(Output, "binder.txt")).Should().Be("Untitled\nabc");
    }

    [Fact]
    public async Task Stage_OutputHasFiles_IsReplacedOnlyWhenAskedFor()
    {
        _bench.Folder.Write("out/old.txt", "old");
        string[] stage = ["stage", "acme-note", "--text", "new", "--output-dir", Output];

        (await _bench.InvokeAsync(stage)).Error.Should().Contain("--overwrite");
        File.Exists(Path.Combine(Output, "old.txt")).Should().BeTrue();
        (await _bench.InvokeAsync([.. stage, "--overwrite"])).ShouldSucceed();

        File.Exists(Path.Combine(Output, "old.txt")).Should().BeFalse();
    }
}
