using System.Collections;
using Alpaca.Abstractions;

namespace Alpaca.Host.Tests;

/// <summary>The sections Inference, Ask, Schedule and Drops.</summary>
public sealed class SectionTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void InferenceSettings_RelativeModel_IsRelativeToTheFile()
    {
        var inference = InferenceSettings.Read(Load(""" "Inference": { "Model": "models/a", "Backend": "Onnx", "Threads": 3, "Template": "llama2" } """));

        inference.Model.Should().Be(_folder.Combine("models", "a"));
        inference.Should().BeEquivalentTo(new { Backend = "Onnx", Template = "llama2", Options = new InferenceOptions { Threads = 3 } });
    }

    [Fact]
    public void InferenceSettings_SeveralWrongValues_AreReportedAtOnce()
        => FluentActions.Invoking(() => InferenceSettings.Read(Load(""" "Inference": { "Threads": "many", "Template": "alpcaa", "Precision": "fp31" } """)))
            .Should().Throw<AlpacaUsageException>().WithMessage("*Inference:Threads is 'many'*").WithMessage("*Inference:Template is 'alpcaa'*").WithMessage("*Inference:Precision is 'fp31'*");

    [Fact]
    public void Question_Given_HasItsBackendsInOrder()
    {
        var settings = LoadPipeline(""" "Ask": { "Prompt": "你好？", "Backends": [ "Torch", "Onnx" ], "MaxNewTokens": 9 } """);

        Question.Read(settings, settings.Pipelines[0], ["Onnx", "Torch"]).Should().BeEquivalentTo(new Question("你好？", ["Torch", "Onnx"], 9));
    }

    [Fact]
    public void Question_Absent_IsNone()
    {
        var settings = LoadPipeline(""" "Drops": { "Folder": "drops" } """);

        Question.Read(settings, settings.Pipelines[0], []).Should().BeNull();
    }

    [Fact]
    public async Task Question_Asked_IsAskedGreedilyInTheTemplate()
    {
        var generator = new ScriptedGenerator("Beijing.\n");

        (await new Question("Capital?", ["Scripted"], 40).AskAsync(generator.ToHandle())).Should().Be("Beijing.");

        generator.Options[0].Should().BeEquivalentTo(new { Temperature = 0f, RepetitionPenalty = 1f, MaxNewTokens = 40 });
        generator.Prompts[0].Should().EndWith("### Instruction:\nCapital?\n\n### Response: ");
    }

    [Fact]
    public void DropFolder_Given_IsRelativeToTheFileAndQuietForFiveSeconds()
    {
        var settings = LoadPipeline(""" "Drops": { "Folder": "drops" } """);

        DropFolder.Of(settings, settings.Pipelines[0]).Should().Be(new DropFolder(_folder.Combine("drops"), TimeSpan.FromSeconds(5)));
    }

    [Theory]
    [InlineData(""" "QuietSeconds": 3 """, "Pipelines:p:Drops:Folder is missing")]
    [InlineData(""" "Folder": "drops", "QuietSeconds": 0 """, "Pipelines:p:Drops:QuietSeconds is '0'")]
    public void DropFolder_CannotBeUsed_NamesTheKey(string section, string message)
    {
        var settings = LoadPipeline($$""" "Drops": { {{section}} } """);

        FluentActions.Invoking(() => DropFolder.Of(settings, settings.Pipelines[0])).Should().Throw<AlpacaUsageException>().WithMessage($"{message}*");
    }

    [Theory]
    [InlineData(""" "Cron": "0 0 3 * * ?" """, null)]
    [InlineData(""" "Cron": "0 0 3 * * ?", "TimeZone": "Asia/Shanghai" """, null)]
    [InlineData(""" "Cron": "every night" """, "Pipelines:p:Schedule:Cron is 'every night'")]
    [InlineData(""" "Cron": "0 0 3 1 1 ? 2001" """, "never comes again")]
    [InlineData(""" "TimeZone": "Asia/Shanghai" """, "Pipelines:p:Schedule:Cron is missing")]
    [InlineData(""" "Cron": "0 0 3 * * ?", "TimeZone": "Asia/Nowhere" """, "Pipelines:p:Schedule:TimeZone is 'Asia/Nowhere'")]
    public void PipelineSchedule_Read_SaysWhatIsWrongWithItsKey(string section, string? message)
    {
        var settings = LoadPipeline($$""" "Schedule": { {{section}} } """);
        var errors = new List<string>();

        var schedule = PipelineSchedule.Read(settings, settings.Pipelines[0], TimeProvider.System, errors);

        if (message is not null) errors.Should().ContainSingle().Which.Should().Contain(message);
        else (schedule, errors.Count).Should().Match<(PipelineSchedule?, int)>(r => r.Item1 != null && r.Item2 == 0);
    }

    [Fact]
    public void WatchedPipelines_SharedDropFolder_IsRefused()
    {
        using var bench = new Workbench();
        var settings = Load("""
            "Pipelines": {
              "a": { "Stages": { "acme-note": { "Text": "x" } }, "Drops": { "Folder": "drops" }, "Schedule": { "Cron": "x" } },
              "b": { "Stages": { "acme-nite": { "Text": "x" } }, "Drops": { "Folder": "./drops" } } }
            """);

        var check = () => new WatchedPipelines(settings, TimeProvider.System).Check(new PipelineValidator(bench.Catalog), bench.Catalog);

        check.Should().Throw<AlpacaUsageException>().WithMessage("*Pipelines:a:Schedule:Cron*").WithMessage("*a, b have the same Drops:Folder*").WithMessage("*acme-nite*");
        Directory.Exists(_folder.Combine("drops")).Should().BeFalse();
    }

    private AlpacaSettings LoadPipeline(string section)
        => Load($$""" "Pipelines": { "p": { "Stages": { "acme-note": { "Text": "x" } }, {{section}} } } """);

    private AlpacaSettings Load(string sections) => AlpacaSettings.Load(_folder.Write("appsettings.json", $"{{ {sections} }}"), null, [], null, new Hashtable());
}
