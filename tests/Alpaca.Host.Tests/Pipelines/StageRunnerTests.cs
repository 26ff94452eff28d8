using Alpaca.Abstractions;
using Microsoft.Extensions.Logging.Abstractions;

namespace Alpaca.Host.Tests.Pipelines;

public sealed class StageRunnerTests : IDisposable
{
    private readonly Workbench _bench = new();
    private readonly StageRunner _runner;

    public StageRunnerTests() => _runner = new StageRunner(_bench.Catalog, TimeProvider.System, NullLoggerFactory.Instance);

    public void Dispose() => _bench.Dispose();

    private string Output => _bench.Folder.Combine("deep", "er", "out");

    [Fact]
    public async Task RunAloneAsync_NewFolder_HoldsTheOutputAndNothingElseIsLeft()
    {
        var artifact = await RunAsync("Text", "hello");

        artifact.Kind.Should().Be("note");
        File.ReadAllText(Path.Combine(Output, "pages", "1.txt")).Should().Be("hello\n");
        Siblings().Should().Equal("out");
    }

    [Fact]
    public async Task RunAloneAsync_EmptyFolder_IsUsed()
    {
        Directory.CreateDirectory(Output);
        await RunAsync("Text", "hello");

        Siblings().Should().Equal("out");
        Directory.Exists(Path.Combine(Output, "pages")).Should().BeTrue();
    }

    [Fact]
    public async Task RunAloneAsync_FolderThatIsNotEmpty_IsRefusedUntouched()
    {
        var precious = _bench.Folder.Write("deep/er/out/precious.txt", "mine");

        await FluentActions.Awaiting(() => RunAsync("Text", "hello")).Should().ThrowAsync<AlpacaUsageException>()
            .WithMessage($"The output folder {Output} is not empty; choose another one, empty it, or pass --overwrite.");
        File.ReadAllText(precious).Should().Be("mine");
    }

    [Fact]
    public async Task RunAloneAsync_Overwrite_ReplacesTheFolderOnlyOnSuccess()
    {
        var precious = _bench.Folder.Write("deep/er/out/precious.txt", "mine");

        await FluentActions.Awaiting(() => RunAsync(overwrite: true, "Text", "hello", "Mishap", "error")).Should().ThrowAsync<AlpacaException>();
        File.ReadAllText(precious).Should().Be("mine");

        await RunAsync(overwrite: true, "Text", "hello");
        File.Exists(precious).Should().BeFalse();
        Siblings().Should().Equal("out");
    }

    [Fact]
    public async Task RunAloneAsync_OverwriteOfAFolderThatHoldsAnInput_IsRefused()
    {
        var input = _bench.Folder.Write("deep/er/out/input.txt", "mine");

        await FluentActions.Awaiting(() => RunAsync(overwrite: true, "Text", "hello", "Appendix", input)).Should().ThrowAsync<AlpacaUsageException>()
            .WithMessage($"The output folder {Output} holds the input {input}, which --overwrite would delete; choose another output folder.");
        File.Exists(input).Should().BeTrue();
    }

    [Fact]
    public async Task RunAloneAsync_OutputThatIsAFile_IsRefused()
    {
        _bench.Folder.Write("deep/er/out", "a file");

        await FluentActions.Awaiting(() => RunAsync("Text", "hello")).Should().ThrowAsync<AlpacaUsageException>().WithMessage($"The output folder {Output} is a file; choose another name.");
    }

    [Fact]
    public async Task RunAloneAsync_BelowAFile_CannotBeWrittenTo()
    {
        _bench.Folder.Write("deep", "a file");

        await FluentActions.Awaiting(() => RunAsync("Text", "hello")).Should().ThrowAsync<AlpacaUsageException>()
            .WithMessage($"The output folder {Output} cannot be written to (*); choose another one.");
    }

    [Fact]
    public async Task RunAloneAsync_Failure_LeavesOnlyWhatItCanGoOnFrom()
    {
        await FluentActions.Awaiting(() => RunAsync("Text", "hello", "Mishap", "error")).Should().ThrowAsync<AlpacaException>().WithMessage("The pen ran dry; refill it.");

        Siblings().Should().Equal("out.resume");
    }

    [Fact]
    public async Task RunAloneAsync_Cancelled_LeavesOnlyWhatItCanGoOnFrom()
    {
        using var cancellation = new CancellationTokenSource();
        var running = RunAsync(false, cancellation.Token, "Text", "hello", "Mishap", "hang");
        while (!Directory.EnumerateFiles(_bench.Folder.Path, "checkpoint.txt", SearchOption.AllDirectories).Any()) await Task.Delay(10);
        await cancellation.CancelAsync();

        await FluentActions.Awaiting(() => running).Should().ThrowAsync<OperationCanceledException>();
        Siblings().Should().Equal("out.resume");
    }

    [Fact]
    public async Task RunAloneAsync_SameRequestAgain_GoesOn()
    {
        await FailOnce("Text", "hello", "Mishap", "once");

        (await RunAsync("Text", "hello", "Mishap", "once")).ToString().Should().Contain("ResumedFrom = page 1");
        Siblings().Should().Equal("out");
    }

    [Theory]
    [InlineData("Pens", "1", "4")]
    [InlineData("Appendix", "https://example.org/a?signature=old", "https://example.org/a?signature=new")]
    public async Task RunAloneAsync_ResultNeutralOptionOrSignatureChanged_GoesOn(string option, string before, string after)
    {
        await FailOnce("Text", "hello", "Mishap", "once", option, before);

        (await RunAsync("Text", "hello", "Mishap", "once", option, after)).ToString().Should().Contain("ResumedFrom = page 1");
    }

    [Fact]
    public async Task RunAloneAsync_AnotherRequest_DoesNotSeeWhatThatOneLeft()
    {
        await FailOnce("Text", "hello", "Mishap", "once");

        (await RunAsync("Text", "other")).ToString().Should().Contain("ResumedFrom =  }");
        Siblings().Should().Equal("out");
    }

    [Fact]
    public async Task RunAloneAsync_LeftoversOfADeadProcess_AreRemoved()
    {
        _bench.Folder.CreateFolder("deep", "er", $".out.partial-{DeadProcess.Id}@{Environment.MachineName}");
        var unrelated = _bench.Folder.CreateFolder("deep", "er", $".other.partial-{DeadProcess.Id}@{Environment.MachineName}");

        await RunAsync("Text", "hello");

        Siblings().Should().BeEquivalentTo("out", Path.GetFileName(unrelated));
    }

    [Fact]
    public async Task RunAloneAsync_AnyStage_IsGivenTheBackends()
    {
        var stage = _bench.Catalog.GetStage("acme-binder");
        var errors = new List<string>();
        var request = RequestBinder.Bind(
            stage.RequestType, new Dictionary<string, IReadOnlyList<string>> { ["Notes"] = [_bench.Folder.CreateFolder("note")], ["Cover"] = [_bench.Folder.Path] }, errors, n => n);
        errors.Should().BeEmpty();

        var artifact = await _runner.RunAloneAsync(stage, request, Output, overwrite: false);

        artifact.Metrics["backends"].Should().Be(1);
    }

    private async Task FailOnce(params string[] options)
    {
        await FluentActions.Awaiting(() => RunAsync(options)).Should().ThrowAsync<AlpacaException>();
        Siblings().Should().Equal("out.resume");
    }

    private string[] Siblings() => [.. Directory.GetFileSystemEntries(_bench.Folder.Combine("deep", "er")).Select(e => Path.GetFileName(e)!).Order(StringComparer.Ordinal)];

    private Task<Artifact> RunAsync(params string[] options) => RunAsync(false, options);

    private Task<Artifact> RunAsync(bool overwrite, params string[] options) => RunAsync(overwrite, CancellationToken.None, options);

    private Task<Artifact> RunAsync(bool overwrite, CancellationToken cancellationToken, params string[] options)
    {
        var stage = _bench.Catalog.GetStage("acme-note");
        var errors = new List<string>();
        var values = options.Chunk(2).ToDictionary(o => o[0], o => (IReadOnlyList<string>)[o[1]]);
        var request = RequestBinder.Bind(stage.RequestType, values, errors, n => n);
        errors.Should().BeEmpty();
        return _runner.RunAloneAsync(stage, request, Output, overwrite, NullProgress.Instance, cancellationToken);
    }
}
