namespace Alpaca.Host.Tests.Registry;

public sealed class PromotionRuleTests
{
    [Theory]
    [InlineData("evalLoss <= 2", 2.0, true)]
    [InlineData("evalLoss < 2", 2.0, false)]
    [InlineData("evalLoss>=-1.5e1", -15.0, true)]
    [InlineData("evalLoss > .5", 0.5, false)]
    [InlineData("evalLoss == 3", 3.0, true)]
    [InlineData("evalLoss == 3", 3.1, false)]
    [InlineData("evalLoss <= other", 10.0, true)]
    [InlineData("evalLoss <= 0.5 * other", 5.0, true)]
    [InlineData("evalLoss <= 0.5*other", 5.1, false)]
    [InlineData("evalLoss <= other - 0.5", 9.5, true)]
    [InlineData("evalLoss <= 0.5 * other + 1", 6.0, true)]
    [InlineData("evalLoss <= 0.5 * other + 1", 6.1, false)]
    [InlineData("evalLoss <= 1 + 1", 2.0, true)]
    [InlineData("evalLoss <= 2", double.NaN, false)]
    [InlineData("evalLoss >= 2", double.NaN, false)]
    [InlineData("evalLoss >= 2", double.PositiveInfinity, true)]
    public void Apply_MetricsAreThere_Compares(string text, double value, bool passes)
    {
        var result = Parse(text).Apply(new Dictionary<string, double> { ["evalLoss"] = value, ["other"] = 10 }, null);

        result.Should().Match<RuleResult>(r => r.Passed == passes && r.Rule == text && r.Note == null);
        result.Value.Should().Be(value);
    }

    [Theory]
    [InlineData("")]
    [InlineData("evalLoss")]
    [InlineData("evalLoss <=")]
    [InlineData("evalLoss = 2")]
    [InlineData("evalLoss != 2")]
    [InlineData("2 <= evalLoss")]
    [InlineData("evalLoss <= 2 *")]
    [InlineData("evalLoss <= a * b")]
    [InlineData("evalLoss <= 2 * a * 3")]
    [InlineData("evalLoss <= a + b")]
    [InlineData("evalLoss <= 1,5")]
    [InlineData("evalLoss <= 1e999")]
    [InlineData("evalLoss <= 2; drop")]
    public void TryParse_NoRule_IsRefused(string text) => PromotionRule.TryParse(text, out _).Should().BeFalse();

    [Fact]
    public void Apply_NoChampionYet_PassesWithANote()
        => Parse("evalLoss <= 1.01 * championEvalLoss").Apply(Metrics(("evalLoss", 3)), null).Should().Be(new RuleResult("evalLoss <= 1.01 * championEvalLoss", true, 3, null, "no champion yet"));

    [Fact]
    public void Apply_MetricMissing_FailsAndSaysWhich()
    {
        Parse("evalLoss <= championEvalLoss").Apply(Metrics(), null).Should().Match<RuleResult>(r => !r.Passed && r.Note!.Contains("no metric evalLoss"));
        Parse("evalLoss <= other").Apply(Metrics(("evalLoss", 3)), Champion()).Should().Match<RuleResult>(r => !r.Passed && r.Note == "the run has no metric other");
        Parse("evalLoss <= championEvalLoss").Apply(Metrics(("evalLoss", 3)), Champion()).Should().Match<RuleResult>(r => !r.Passed && r.Note == "the run has no metric championEvalLoss");
    }

    [Fact]
    public void Apply_OptionalRuleWithoutItsMetric_PassesWithANote()
    {
        PromotionRule.TryParse("smokePassed >= 1", out var rule, isOptional: true).Should().BeTrue();

        rule!.Apply(Metrics(), Champion()).Should().Match<RuleResult>(r => r.Passed && r.Note == "skipped: the run has no metric smokePassed");
        rule.Apply(Metrics(("smokePassed", 0.5)), Champion()).Passed.Should().BeFalse();
    }

    [Fact]
    public void Apply_ChampionMetricThatTheRunDidNotMeasure_IsTakenFromTheChampionsVersion()
    {
        var rule = Parse("evalLoss <= championEvalLoss");

        rule.Apply(Metrics(("evalLoss", 3)), Champion(("evalLoss", 2))).Should().Be(new RuleResult("evalLoss <= championEvalLoss", false, 3, 2, "championEvalLoss as measured when version 7 was made"));
        rule.Apply(Metrics(("evalLoss", 3), ("championEvalLoss", 4)), Champion(("evalLoss", 2))).Should().Be(new RuleResult("evalLoss <= championEvalLoss", true, 3, 4, null), "both were measured alike");
    }

    [Fact]
    public void DefaultRules_FirstRun_PassWithNotes()
        => PromotionSettings.DefaultRules.Select(rule => rule.Apply(Metrics(("evalLoss", 3)), null)).Should().HaveCount(4).And.OnlyContain(r => r.Passed && r.Note != null);

    private static PromotionRule Parse(string text) => PromotionRule.TryParse(text, out var rule) ? rule : throw new ArgumentException(text, nameof(text));

    private static Dictionary<string, double> Metrics(params (string Name, double Value)[] metrics) => metrics.ToDictionary(m => m.Name, m => m.Value);

    private static ModelVersion Champion(params (string Name, double Value)[] metrics) => Versions.Create(7) with { Metrics = Metrics(metrics) };
}
