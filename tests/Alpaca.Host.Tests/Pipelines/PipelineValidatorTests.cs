using Alpaca.Abstractions;

namespace Alpaca.Host.Tests.Pipelines;

public sealed class PipelineValidatorTests : IDisposable
{
    private readonly Workbench _bench = new("Acme.Notes", "Acme.ThrowsAtLoad");

    public void Dispose() => _bench.Dispose();

    [Fact]
    public void Wire_ListInput_TakesAllUpstreamArtifactsOfItsKindInOrder()
        => Wiring("""
            "one": { "Uses": "acme-note", "Text": "1" }, "two": { "Uses": "acme-note", "Text": "2" }, "acme-binder": {}
            """)["Notes"].Should().Equal("one", "two");

    [Fact]
    public void Wire_SingleInput_TakesTheNewestOfTheMostWantedKind()
    {
        Wiring("""
            "one": { "Uses": "acme-note", "Text": "1" }, "two": { "Uses": "acme-note", "Text": "2" }, "acme-binder": {}
            """)["Cover"].Should().Equal("two");
        Wiring("""
            "one": { "Uses": "acme-note", "Text": "1" }, "first": { "Uses": "acme-binder" }, "two": { "Uses": "acme-note", "Text": "2" }, "acme-binder": {}
            """)["Cover"].Should().Equal("first");
    }

    [Fact]
    public void Wire_ListInput_LeavesOutWhatAnotherInputWasMadeFrom()
        => Wiring("""
            "one": { "Uses": "acme-note", "Text": "1" }, "first": { "Uses": "acme-binder" }, "two": { "Uses": "acme-note", "Text": "2" }, "acme-binder": { "Inputs": { "Cover": "first" } }
            """)["Notes"].Should().Equal("two");

    [Fact]
    public void Wire_ListInputOfWhichAnotherInputHoldsEverything_SaysSo()
        => Errors("""
            "one": { "Uses": "acme-note", "Text": "1" }, "first": { "Uses": "acme-binder" }, "acme-binder": { "Inputs": { "Cover": "first" } }
            """).Should().Equal(
            "Pipelines:notes:Stages:acme-binder:Notes is missing: no stage before acme-binder makes a note that its other inputs do not hold already; add one, or set the option to a folder.");

    [Fact]
    public void Wire_ExplicitInput_IsWiredOnlyWhereConfigured()
    {
        Wiring("""
            "acme-note": { "Text": "1" }, "acme-binder": {}
            """).Should().NotContainKey("Marked");
        Wiring("""
            "acme-note": { "Text": "1" }, "acme-binder": { "Inputs": { "Marked": "acme-note" } }
            """)["Marked"].Should().Equal("acme-note");
    }

    [Fact]
    public void Wire_InputMadeFromAnother_TakesOnlyWhatWasMadeFromThatOne()
    {
        const string notes = """
            "one": { "Uses": "acme-note", "Text": "1" }, "two": { "Uses": "acme-note", "Text": "2" },
            "first": { "Uses": "acme-binder", "Inputs": { "Notes": "one", "Cover": "one" } }, "second": { "Uses": "acme-binder", "Inputs": { "Notes": "two", "Cover": "two" } },
            """;
        Wiring(notes + """ "acme-binder": { "Inputs": { "Notes": "one", "Cover": "one" } } """)["Editions"].Should().Equal("first");
        Wiring(notes + """ "acme-binder": { "Inputs": { "Notes": "one", "Cover": "second" } } """).Should().NotContainKey("Editions");
        Wiring(notes + """ "acme-binder": { "Inputs": { "Notes": "one" }, "Cover": "some/folder" } """).Should().NotContainKey("Editions");
    }

    [Fact]
    public void Wire_ConfiguredInputs_WinOverTheDefault()
    {
        var wiring = Wiring("""
            "one": { "Uses": "acme-note", "Text": "1" }, "two": { "Uses": "acme-note", "Text": "2" }, "acme-binder": { "Inputs": { "notes": "one,two", "Cover": "one" } }
            """);

        wiring["Notes"].Should().Equal("one", "two");
        wiring["Cover"].Should().Equal("one");
    }

    [Fact]
    public void Wire_InputGivenAsPath_IsNotWired()
        => Wiring("""
            "acme-note": { "Text": "1" }, "acme-binder": { "Cover": "some/folder" }
            """).Should().ContainKey("Notes").And.NotContainKey("Cover");

    [Fact]
    public void Validate_ManyThingsWrong_ReportsAllOfThemWithTheirKeys()
        => Errors("""
            "early": { "Uses": "acme-binder" },
            "acme-note": { "Txet": "1", "Copies": 500 },
            "wired": { "Uses": "acme-binder", "Cover": "x", "Inputs": { "Cover": "acme-note,later", "Notes": "early", "Titel": "early" } },
            "later": { "Uses": "acme-note", "Text": "2", "Mishap": "flood" }
            """).Should().BeEquivalentTo(
            "Pipelines:notes:Stages:early:Notes is missing: no stage before early makes a note; add one, or set the option to a folder.",
            "Pipelines:notes:Stages:early:Cover is missing: no stage before early makes a binder or note; add one, or set the option to a folder.",
            "Pipelines:notes:Stages:acme-note:Txet is not an option of this stage; did you mean Pipelines:notes:Stages:acme-note:Text?",
            "Pipelines:notes:Stages:acme-note:Text is missing: What is noted.",
            "Pipelines:notes:Stages:acme-note:Copies is 500; it must be from 1 to 100.",
            "Pipelines:notes:Stages:wired:Inputs:Cover and Pipelines:notes:Stages:wired:Cover are both given; remove one of them.",
            "Pipelines:notes:Stages:wired:Inputs:Cover names 2 stages; it takes one.",
            "Pipelines:notes:Stages:wired:Inputs:Cover names the stage 'later', which does not come before wired; move it up.",
            "Pipelines:notes:Stages:wired:Inputs:Notes names the stage 'early', which makes a 'binder'; needed is note.",
            "Pipelines:notes:Stages:wired:Inputs:Titel is not an input of stage acme-binder (there is Notes, Cover, Editions, Marked).",
            "Pipelines:notes:Stages:later:Mishap is 'flood'; it must be one of none, error, once, crash, hang, wait, locked.");

    [Fact]
    public void Validate_ChampionAsInput_MustBeOptionalAndPossible()
    {
        const string Stages = """
            "acme-note": { "Text": "1", "Inputs": { "Earlier": "@champion" } }, "acme-binder": { "Inputs": { "Cover": "@champion" } }
            """;
        Errors(Stages).Should().Equal(
            "Pipelines:notes:Stages:acme-note:Inputs:Earlier is @champion, but Pipelines:notes:Promotion is missing, without which there never is a champion; add it.",
            "Pipelines:notes:Stages:acme-binder:Inputs:Cover is @champion, but the first run has no champion and Pipelines:notes:Stages:acme-binder:Cover cannot be left out; name a stage.",
            "Pipelines:notes:Stages:acme-binder:Inputs:Cover is @champion, but Pipelines:notes:Promotion is missing, without which there never is a champion; add it.");

        _bench.Sections = """, "Promotion": {}""";
        Errors(Stages).Should().ContainSingle().Which.Should().Contain("cannot be left out");
        Wiring("""
            "acme-note": { "Text": "1", "Inputs": { "earlier": "@champion" } }
            """)["Earlier"].Should().Equal("@champion");
    }

    [Fact]
    public void Wire_ExplicitInput_IsNotWiredByDefault()
        => Wiring("""
            "one": { "Uses": "acme-note", "Text": "1" }, "two": { "Uses": "acme-note", "Text": "2" }
            """).Should().BeEmpty();

    [Fact]
    public void Validate_StageWhosePluginIsFaulted_SaysWhyAndBlamesNoOther()
        => Errors("""
            "mine": { "Uses": "acme-licence" }, "acme-binder": {}
            """).Should().ContainSingle().Which.Should()
            .StartWith("Pipelines:notes:Stages:mine:Uses: No active plugin offers the stage 'acme-licence'")
            .And.Contain("Plugin Acme.ThrowsAtLoad is Faulted: Its ConfigureServices failed");

    [Fact]
    public void Validate_UnknownStage_SuggestsTheNearest()
        => Errors("""
            "acme-noet": {}
            """).Should().ContainSingle().Which.Should().Contain("Stages:acme-noet: ").And.Contain("did you mean acme-note?");

    private IReadOnlyDictionary<string, IReadOnlyList<string>> Wiring(string stages)
        => new PipelineValidator(_bench.Catalog).Wire(_bench.Pipeline(stages)).Stages[^1].Wiring;

    private string[] Errors(string stages)
        => new PipelineValidator(_bench.Catalog).Invoking(v => v.Validate(_bench.Pipeline(stages)))
            .Should().Throw<AlpacaUsageException>().Which.Message.Split(Environment.NewLine);
}
