using Alpaca.Abstractions;

namespace Alpaca.Host.Tests.Pipelines;

public sealed class PipelinePlannerTests : IDisposable
{
    private const string Note = """
        "acme-note": { "Text": "hello", "Appendix": "appendix.txt" }
        """;

    private const string Both = Note + """
        , "acme-binder": { "Title": "Letters" }
        """;

    private readonly Workbench _bench = new();

    public PipelinePlannerTests() => _bench.Folder.Write("appendix.txt", "first");

    public void Dispose() => _bench.Dispose();

    [Fact]
    public void Plan_NothingMade_RunsEverything()
    {
        var plan = _bench.Plan(Both);

        plan.Select(s => (s.Stage, s.UpToDate, s.Reason)).Should().Equal(
            ("acme-note", false, "no artifact yet"), ("acme-binder", false, "input Notes: stage acme-note runs first"));
        plan[0].ArtifactFolder.Should().Be(Path.Combine(_bench.Workspace, "artifacts", "note", plan[0].Fingerprint!));
        plan[1].Fingerprint.Should().BeNull();
    }

    [Fact]
    public async Task Plan_EverythingMade_SkipsEverything()
    {
        await _bench.RunAsync(Both);

        _bench.Plan(Both).Should().OnlyContain(s => s.UpToDate && s.Reason == "up to date" && Directory.Exists(s.ArtifactFolder));
    }

    [Theory]
    [InlineData("""{ "Text": "hello", "Appendix": "appendix.txt", "Copies": 3 }""", "option Copies changed from 1 to 3")]
    [InlineData("""{ "Text": "bye", "Appendix": "appendix.txt", "Copies": 3 }""", "option Copies changed from 1 to 3, option Text changed from hello to bye")]
    [InlineData("""{ "Text": "hello" }""", "input Appendix changed")]
    public async Task Plan_ChangedOption_NamesItWithBothValues(string changed, string reason)
    {
        await _bench.RunAsync(Both);

        var plan = _bench.Plan($"\"acme-note\": {changed}, \"acme-binder\": {{ \"Title\": \"Letters\" }}");

        plan.Select(s => s.Reason).Should().Equal(reason, "input Notes: stage acme-note runs first");
    }

    [Fact]
    public async Task Plan_ResultNeutralOptionChanged_IsUpToDate()
    {
        await _bench.RunAsync(Note);

        _bench.Plan("""
            "acme-note": { "Text": "hello", "Appendix": "appendix.txt", "Pens": 4 }
            """).Should().ContainSingle().Which.UpToDate.Should().BeTrue();
    }

    [Fact]
    public async Task Plan_ChangedInputFile_NamesTheInput()
    {
        await _bench.RunAsync(Note);
        _bench.Folder.Write("appendix.txt", "second");

        _bench.Plan(Note).Should().ContainSingle().Which.Reason.Should().Be("input Appendix changed");
    }

    [Fact]
    public async Task Plan_MovedInputFileWithTheSameContent_IsUpToDate()
    {
        await _bench.RunAsync(Note);
        _bench.Folder.Write("moved.txt", "first");

        _bench.Plan(Note.Replace("appendix.txt", "moved.txt")).Should().ContainSingle().Which.UpToDate.Should().BeTrue();
    }

    [Fact]
    public async Task Plan_UrlWithAnotherSignature_IsUpToDate()
    {
        await _bench.RunAsync(Note.Replace("appendix.txt", "https://host/file?signature=1"));

        _bench.Plan(Note.Replace("appendix.txt", "https://host/file?signature=2")).Should().ContainSingle().Which.UpToDate.Should().BeTrue();
        _bench.Plan(Note.Replace("appendix.txt", "https://host/other?signature=1")).Should().ContainSingle().Which.Reason.Should().Be("input Appendix changed");
        Directory.GetFiles(_bench.Workspace, "manifest.json", SearchOption.AllDirectories).Select(File.ReadAllText).Should().OnlyContain(m => !m.Contains("signature"));
    }

    [Fact]
    public async Task Plan_FileAddress_DependsOnTheContent()
    {
        var note = Note.Replace("appendix.txt", new Uri(_bench.Folder.Combine("appendix.txt")).AbsoluteUri);
        await _bench.RunAsync(note);
        _bench.Plan(note).Should().ContainSingle().Which.UpToDate.Should().BeTrue();
        _bench.Folder.Write("appendix.txt", "second");

        _bench.Plan(note).Should().ContainSingle().Which.Reason.Should().Be("input Appendix changed");
    }

    [Fact]
    public async Task Plan_Forced_SaysSo()
    {
        await _bench.RunAsync(Both);

        _bench.Plan(Both, new RunOptions { Force = ["acme-binder"] }).Select(s => s.Reason).Should().Equal("up to date", "forced");
        _bench.Plan(Both, new RunOptions { Force = ["all"] }).Select(s => s.Reason).Should().Equal("forced", "input Notes: stage acme-note runs first");
    }

    [Fact]
    public void Plan_Until_LeavesOutTheRest()
        => _bench.Plan(Both, new RunOptions { Until = "acme-note" }).Select(s => s.Stage).Should().Equal("acme-note");

    [Fact]
    public void Plan_UnknownNamesAndMissingFiles_AreReportedTogether()
        => _bench.Invoking(b => b.Plan(Note.Replace("appendix.txt", "gone.txt"), new RunOptions { Force = ["acme-nite"] })).Should().Throw<AlpacaUsageException>()
            .WithMessage("--force names the stage 'acme-nite', which pipeline notes does not have (there is acme-note); did you mean acme-note?" + Environment.NewLine
                + $"Pipelines:notes:Stages:acme-note:Appendix is {_bench.Folder.Combine("gone.txt")}, which does not exist.");

    [Fact]
    public async Task Plan_DamagedArtifact_SaysWhatIsWrong()
    {
        await _bench.RunAsync(Note);
        var folder = _bench.Plan(Note)[0].ArtifactFolder!;

        File.AppendAllText(Path.Combine(folder, "pages", "1.txt"), "tampered");
        _bench.Plan(Note)[0].Reason.Should().Be("pages/1.txt of its artifact has 14 bytes instead of 6");

        File.Delete(Path.Combine(folder, "pages", "1.txt"));
        _bench.Plan(Note)[0].Reason.Should().Be("pages/1.txt is missing from its artifact");

        File.WriteAllText(Path.Combine(folder, "manifest.json"), "{ \"kind\": ");
        _bench.Plan(Note)[0].Reason.Should().Be("the manifest of its artifact is missing or damaged");
    }

    [Fact]
    public async Task Plan_OlderOptionsAgain_FindTheirArtifact()
    {
        await _bench.RunAsync(Note);
        await _bench.RunAsync(Note.Replace("hello", "bye"));

        _bench.Plan(Note).Should().ContainSingle().Which.UpToDate.Should().BeTrue();
    }

    [Fact]
    public void Plan_OnAWorkspaceThatIsNotThere_MakesNoArtifactFolder()
    {
        _bench.Plan(Note);

        Directory.Exists(Path.Combine(_bench.Workspace, "artifacts")).Should().BeFalse();
    }
}
