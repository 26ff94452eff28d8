using System.Collections;
using Alpaca.Abstractions;

namespace Alpaca.Host.Tests.Settings;

public sealed class AlpacaSettingsTests : IDisposable
{
    private const string Sample = """
        {
          // comments and trailing commas are fine
          "Workspace": "work",
          "Plugins": { "Disabled": ["Acme.X"], "Settings": { "Acme.Y": { "Any": 1 } } },
          "Inference": { "Backend": "Torch" },
          "DefaultPipeline": "sample",
          "Pipelines": {
            "sample": {
              "Stages": {
                "zeta": { "Uses": "acme-note", "Text": "a,b", "Lists": ["x,y", "z"], "Number": 1e-4, "On": true, "Nothing": null },
                "alpha": null,
                "middle": { "Inputs": { "Notes": ["zeta", "alpha"], "Cover": "zeta" } },
              },
              "Schedule": { "Cron": "0 0 3 * * ?" },
            },
          },
          "Logging": { "LogLevel": { "Default": "Warning" } },
        }
        """;

    private readonly TemporaryFolder _folder = new();
    private readonly Hashtable _environment = [];

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Load_File_KeepsTheOrderOfTheStages()
    {
        var settings = Load(Sample);

        settings.GetPipeline(null).Stages.Select(s => (s.Name, s.Uses)).Should().Equal(("zeta", "acme-note"), ("alpha", "alpha"), ("middle", "middle"));
        settings.DefaultPipeline.Should().Be("sample");
    }

    [Fact]
    public void Load_File_ResolvesPathsAgainstItsFolder()
    {
        var settings = Load(Sample);

        settings.Paths.BaseFolder.Should().Be(_folder.Path);
        settings.WorkspaceFolder.Should().Be(_folder.Combine("work"));
        settings.ConfigurationFile.Should().Be(_folder.Combine("appsettings.json"));
        settings.DisabledPlugins.Should().Equal("Acme.X");
    }

    [Fact]
    public void Load_Stage_KeepsValuesAsTheyWereWritten()
    {
        var stage = Load(Sample).GetPipeline("sample").Stages[0];

        stage.Key.Should().Be("Pipelines:sample:Stages:zeta");
        stage.Options.Should().BeEquivalentTo(new Dictionary<string, string[]>
        {
            ["Text"] = ["a,b"], ["Lists"] = [@"x\,y", "z"], ["Number"] = ["1e-4"], ["On"] = ["true"],
        });
    }

    [Fact]
    public void Load_Inputs_TakesOneStageOrSeveral()
        => Load(Sample).GetPipeline("sample").Stages[2].Inputs.Should()
            .BeEquivalentTo(new Dictionary<string, string[]> { ["Notes"] = ["zeta", "alpha"], ["Cover"] = ["zeta"] });

    [Fact]
    public void Load_EnvironmentAndOverrides_WinInThatOrder()
    {
        _environment["ALPACA_Inference__Backend"] = "Onnx";
        _environment["ALPACA_PIPELINES__SAMPLE__STAGES__ZETA__TEXT"] = "from the environment";
        _environment["ALPACA_GOLDEN"] = "somebody else's";
        _environment["PATH"] = "/bin";

        var settings = Load(Sample, "Stages:zeta:Text=from --set", "Stages:zeta:Lists=one,two", "Inference:Threads=2");

        settings.Configuration["Inference:Backend"].Should().Be("Onnx");
        settings.Configuration["Inference:Threads"].Should().Be("2");
        var options = settings.GetPipeline(null).Stages[0].Options;
        options["Text"].Should().Equal("from --set");
        options["Lists"].Should().Equal("one,two");
        settings.GetPipeline(null).Stages.Select(s => s.Name).Should().Equal("zeta", "alpha", "middle");
    }

    [Fact]
    public void Load_EnvironmentAlone_ReachesAStage()
    {
        _environment["ALPACA_PIPELINES__SAMPLE__STAGES__ZETA__TEXT"] = "from the environment";
        _environment["ALPACA_Pipelines__sample__Stages__zeta__Lists__2"] = "third";

        var options = Load(Sample).GetPipeline(null).Stages[0].Options;

        options["Text"].Should().Equal("from the environment");
        options["Lists"].Should().Equal(@"x\,y", "z", "third");
    }

    [Fact]
    public void Load_ManyThingsWrong_ReportsAllOfThemWithTheirKeys()
    {
        const string broken = """
            {
              "Worksapce": "w",
              "Inference": { "Backnd": "Torch", "Threads": [1] },
              "DefaultPipeline": "smaple",
              "Pipelines": {
                "sample": { "Stages": { "train": { "LoraRank": { "a": 1 }, "Uses": [] } }, "Schedul": {} },
                "empty": {}
              }
            }
            """;

        var error = FluentActions.Invoking(() => Load(broken, "Nonsense", "Stages:train:LoraRank=4", "Pipelines:sample:Stages:trian:LoraRank=4"))
            .Should().Throw<AlpacaUsageException>().Which.Message;

        error.Replace($"{_folder.Combine("appsettings.json")}: ", "appsettings.json: ", StringComparison.Ordinal).Split(Environment.NewLine).Should().BeEquivalentTo(
            "appsettings.json: --set Nonsense is not of the form key=value, for example Stages:train:LoraRank=16.",
            "appsettings.json: --set Stages:train:LoraRank=4 names the pipeline 'smaple', which is not configured (there is sample, empty); did you mean sample?",
            "appsettings.json: --set Pipelines:sample:Stages:trian:LoraRank=4 names the stage 'trian', which pipeline sample does not have (there is train); did you mean train?",
            "appsettings.json: Worksapce is not a known key (there is Workspace, Plugins, Torch, Inference, Serving, Notifications, Monitoring, Scheduler, Isolation, DefaultPipeline, Pipelines, Logging); did you mean Workspace?",
            "appsettings.json: Inference:Backnd is not a known key (there is Backend, Model, Name, Template, Device, Threads, Precision, ContextLength, MaxConcurrency, ReusePrefixes, Adapters, Swap); did you mean Backend?",
            "appsettings.json: Inference:Threads must be a single value, not a list.",
            "appsettings.json: Pipelines:sample:Schedul is not a known key (there is Stages, Ask, Schedule, Drops, Overlap, Retry, ExecutionGroup, Promotion); did you mean Schedule?",
            "appsettings.json: Pipelines:sample:Stages:train:LoraRank must be a value or a list of values.",
            "appsettings.json: Pipelines:sample:Stages:train:Uses must be the name of a plugin stage.",
            "appsettings.json: Pipelines:empty:Stages is missing or empty; a pipeline needs at least one stage.",
            "appsettings.json: DefaultPipeline is 'smaple', which is not under Pipelines; did you mean sample?");
    }

    [Theory]
    [InlineData("{ \"Workspace\": ", "*appsettings.json, line 1 is not valid JSON:*")]
    [InlineData("[]", "*appsettings.json is not a JSON object.")]
    [InlineData("{ \"Workspace\": \"a\", \"Workspace\": \"b\" }", "*is not valid JSON:*uplicate*")]
    public void Load_FileThatIsNoConfiguration_NamesIt(string json, string message)
        => FluentActions.Invoking(() => Load(json)).Should().Throw<AlpacaUsageException>().WithMessage(message);

    [Fact]
    public void Load_FileThatDoesNotExist_NamesIt()
        => FluentActions.Invoking(() => AlpacaSettings.Load(_folder.Combine("no.json"), null, [])).Should().Throw<AlpacaUsageException>()
            .WithMessage($"The configuration file {_folder.Combine("no.json")} does not exist; correct --config.");

    [Fact]
    public void Load_WorkspaceOnTheCommandLine_Wins()
        => AlpacaSettings.Load(_folder.Write("appsettings.json", Sample), _folder.Combine("other"), [], null, _environment).WorkspaceFolder.Should().Be(_folder.Combine("other"));

    [Theory]
    [InlineData("workspace", "workspace/drops/sample", "other/drops/sample")]
    [InlineData("workspace", "./workspace/../workspace", "other")]
    [InlineData("workspace/", "workspace/drops", "other/drops")]
    [InlineData("workspace", "samples/train", "samples/train")]
    [InlineData("workspace", "workspace2/drops", "workspace2/drops")]
    [InlineData("workspace", "workspace/../drops", "drops")]
    [InlineData("workspace", "..workspace", "..workspace")]
    [InlineData("workspace/deep", "workspace/drops", "workspace/drops")]
    [InlineData(".", "samples/train", "samples/train")]
    [InlineData("..", "samples/train", "samples/train")]
    public void Resolve_WorkspaceOnTheCommandLine_MovesWhatLeadsIntoTheConfiguredOne(string workspace, string path, string expected)
        => AlpacaSettings.Load(_folder.Write("appsettings.json", $$"""{ "Workspace": "{{workspace}}" }"""), _folder.Combine("other"), [], null, _environment)
            .Paths.Resolve(path).TrimEnd('/').Should().Be(_folder.Combine(expected));

    [Fact]
    public void Resolve_AbsolutePathOrNoOtherWorkspace_StaysAsItIs()
    {
        var inside = _folder.Combine("workspace", "drops");
        AlpacaSettings.Load(_folder.Write("appsettings.json", "{}"), _folder.Combine("other"), [], null, _environment).Paths.Resolve(inside).Should().Be(inside);
        Load("{}").Paths.Resolve("workspace/drops").Should().Be(inside);
    }

    [Fact]
    public void Load_PluginsFolderThatDoesNotExist_IsAnError()
        => FluentActions.Invoking(() => Load("""{ "Plugins": { "Folder": "nowhere" } }""")).Should().Throw<AlpacaUsageException>()
            .WithMessage($"{_folder.Combine("appsettings.json")}: Plugins:Folder is {_folder.Combine("nowhere")}, which does not exist; make it or remove the key.");

    [Fact]
    public void GetPipeline_ThatIsNotThere_SaysWhichThereAre()
        => Load(Sample).Invoking(s => s.GetPipeline("simple")).Should().Throw<AlpacaUsageException>()
            .WithMessage("There is no pipeline 'simple' in *appsettings.json (there is sample); did you mean sample?");

    private AlpacaSettings Load(string json, params string[] overrides)
        => AlpacaSettings.Load(_folder.Write("appsettings.json", json), null, overrides, null, _environment);
}
