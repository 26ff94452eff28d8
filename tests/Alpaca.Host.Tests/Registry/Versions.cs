namespace Alpaca.Host.Tests.Registry;

/// <summary>Versions without artifacts, for tests about aliases.</summary>
internal static class Versions
{
    public static ModelVersion Create(int number, bool passed = true, string pipeline = "notes") => new()
    {
        Number = number,
        Pipeline = pipeline,
        RunId = 100 + number,
        CreatedAt = new DateTimeOffset(2026, 1, 2, 3, 4, 5, TimeSpan.Zero),
        Parent = null,
        Artifacts = [],
        BaseModel = new VersionInput("train", "ModelNameOrPath", "/models/底座", "abc"),
        Inputs = [],
        Metrics = new Dictionary<string, double> { ["evalLoss"] = number, ["odd"] = double.NaN },
        Verdict = new PromotionVerdict(number, passed ? PromotionOutcome.Promoted : PromotionOutcome.Rejected, passed, passed ? "It passed." : "It failed.", []),
    };

    /// <summary>Registers a version.</summary>
    public static ModelVersion Register(this ModelRegistry registry, bool passed = true, string pipeline = "notes")
        => registry.Change(pipeline, edit => edit.Add(number => Create(number, passed, pipeline)));
}
