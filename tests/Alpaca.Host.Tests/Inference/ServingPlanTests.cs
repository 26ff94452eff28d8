using System.Collections;
using Alpaca.Abstractions;
using Alpaca.Host.Tests.Registry;

namespace Alpaca.Host.Tests;

public sealed class ServingPlanTests : IDisposable
{
    private readonly Workbench _bench = new();

    public void Dispose() => _bench.Dispose();

    [Fact]
    public void Read_PipelineWithPromotion_IsItsChampion()
    {
        var settings = Settings(""", "Promotion": {}, "Ask": { "Prompt": "你好" }""");
        Register("aaa");
        Register("bbb");
        Read(settings).Should().BeNull("nothing was promoted yet");

        _bench.Registry.Change("notes", edit => { edit.Promote(_bench.Registry.Get("notes", 1), "."); return true; });
        var first = Read(settings)!;
        first.Should().Match<ServingPlan>(p => p.Name == "notes" && p.Version!.Number == 1 && p.TrialPrompt == "你好");
        first.Model.Folder.Should().Be(_bench.Store.FolderOf("model", "aaa"));
        Before(first, settings).Should().BeNull("it is the first champion");

        _bench.Registry.Change("notes", edit => { edit.Promote(_bench.Registry.Get("notes", 2), "."); return true; });
        var second = Read(settings)!;
        second.Model.Folder.Should().Be(_bench.Store.FolderOf("model", "bbb"));
        Before(second, settings).Should().Match<ServingPlan>(p => p.Fingerprint == first.Fingerprint && p.Version!.Number == 1);
        Before(first, settings).Should().BeNull("it is no champion any more");
    }

    [Fact]
    public void Read_ChampionWithoutAFittingArtifact_SaysSo()
    {
        _bench.Registry.Register();
        _bench.Registry.Promote("notes", 1);

        FluentActions.Invoking(() => Read(Settings(""", "Promotion": {}"""))).Should().Throw<AlpacaException>().WithMessage("Version 1 of pipeline notes has no artifact that Notes runs*");
    }

    [Fact]
    public void Read_ModelIsConfigured_IsThatWhateverTheChampion()
    {
        Register("aaa");
        _bench.Registry.Change("notes", edit => { edit.Promote(_bench.Registry.Get("notes", 1), "."); return true; });

        var plan = Read(Settings(""", "Promotion": {}""", model: "elsewhere"))!;

        plan.Version.Should().BeNull();
        plan.Model.Folder.Should().Be(_bench.Folder.Combine("elsewhere"));
    }

    private void Register(string fingerprint) => _bench.Registry.Change("notes", edit => edit.Add(number => Versions.Create(number) with
    {
        Artifacts = [new VersionArtifact("merge", "model", $"artifacts/model/{fingerprint}", fingerprint, "digest")],
    }));

    private ServingPlan? Read(AlpacaSettings settings) => ServingPlan.Read(settings, _bench.Catalog, _bench.Store, _bench.Registry);

    private ServingPlan? Before(ServingPlan plan, AlpacaSettings settings) => ServingPlan.BeforeChampion(plan, settings, _bench.Catalog, _bench.Store, _bench.Registry);

    private AlpacaSettings Settings(string sections, string? model = null) => AlpacaSettings.Load(
        _bench.Folder.Write("appsettings.json", $$"""
            { "Inference": { "Backend": "Notes", "Model": {{(model is null ? "null" : $"\"{model}\"")}} }, "Pipelines": { "notes": { "Stages": { "acme-note": { "Text": "x" } } {{sections}} } } }
            """),
        null, [], null, new Hashtable());
}
