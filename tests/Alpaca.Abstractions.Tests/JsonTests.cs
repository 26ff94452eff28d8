using System.Text.Json;

namespace Alpaca.Abstractions.Tests;

/// <summary>Plain data goes through JSON unchanged: between processes, in manifests and in run records.</summary>
public sealed class JsonTests
{
    public static TheoryData<Type> PlainData { get; } = [.. Contracts.Requests, .. Contracts.Artifacts, typeof(GenerationOptions), typeof(InferenceOptions)];

    [Theory]
    [MemberData(nameof(PlainData))]
    public void Serialize_EveryPropertyChanged_ComesBackEqual(Type type)
    {
        var sample = Samples.Of(type);

        var read = JsonSerializer.Deserialize(JsonSerializer.Serialize(sample, type), type);

        read.Should().BeEquivalentTo(sample, options => options.RespectingRuntimeTypes());
        var defaults = Contracts.Create(type);
        foreach (var property in Contracts.PropertiesOf(type)) property.GetValue(read).Should().NotBeEquivalentTo(property.GetValue(defaults), "{0} was changed", property.Name);
    }

    [Theory]
    [MemberData(nameof(PlainData))]
    public void Deserialize_NothingGiven_HasTheDefaults(Type type)
        => JsonSerializer.Deserialize("{}", type).Should().BeEquivalentTo(Contracts.Create(type), options => options.RespectingRuntimeTypes());

    [Fact]
    public void Serialize_PlanAndPreview_ComeBackEqual()
    {
        var plan = new StagePlan { Steps = ["read", "write"], OutputBytes = 1L << 40, MemoryBytes = 3 };
        var preview = new DataPreview(["2 samples"], [new PreviewSample("a.json, line 3", 9, [new PreviewSpan("问", false), new PreviewSpan("答", true)])]);

        JsonSerializer.Deserialize<StagePlan>(JsonSerializer.Serialize(plan)).Should().BeEquivalentTo(plan);
        JsonSerializer.Deserialize<DataPreview>(JsonSerializer.Serialize(preview)).Should().BeEquivalentTo(preview);
    }
}
