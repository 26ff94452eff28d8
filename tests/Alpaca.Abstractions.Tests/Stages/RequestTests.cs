using System.ComponentModel.DataAnnotations;
using System.Reflection;

namespace Alpaca.Abstractions.Tests;

/// <summary>What holds for the options of every built-in stage, those to come included.</summary>
public sealed class RequestTests
{
    private static readonly HashSet<string> KnownKinds = [.. typeof(ArtifactKinds).GetFields().Select(field => (string)field.GetRawConstantValue()!)];

    public static TheoryData<Type> Requests { get; } = [.. Contracts.Requests];

    [Theory]
    [MemberData(nameof(Requests))]
    public void Defaults_AreValid_ButForWhatIsRequired(Type type)
    {
        var problems = new List<ValidationResult>();
        var request = Contracts.Create(type);

        Validator.TryValidateObject(request, new ValidationContext(request), problems, validateAllProperties: true);

        var lacking = Contracts.PropertiesOf(type).Where(property => property.GetCustomAttribute<RequiredAttribute>() is not null && property.GetValue(request) is "" or IReadOnlyList<string> { Count: 0 } && IsRequired(property));
        problems.SelectMany(problem => problem.MemberNames).Distinct().Should().BeEquivalentTo(lacking.Select(property => property.Name));
    }

    /// <summary>A range of whole numbers rounds what it is given: [Range(0, 1)] lets a double of 1.4 pass.</summary>
    [Theory]
    [MemberData(nameof(Requests))]
    public void Ranges_AreOfTheTypeOfTheirProperty_AndNotEmpty(Type type)
    {
        foreach (var property in Contracts.PropertiesOf(type))
        {
            if (property.GetCustomAttribute<RangeAttribute>() is not { } range) continue;
            range.OperandType.Should().Be(Nullable.GetUnderlyingType(property.PropertyType) ?? property.PropertyType, "that is what {0} is", property.Name);
            Convert.ToDouble(range.Minimum).Should().BeLessThan(Convert.ToDouble(range.Maximum), "{0} has a choice", property.Name);
        }
    }

    [Theory]
    [MemberData(nameof(Requests))]
    public void Inputs_ArePathsOfKindsThatStagesMake(Type type)
    {
        foreach (var property in Contracts.PropertiesOf(type))
        {
            var (artifact, path) = (property.GetCustomAttribute<ArtifactInputAttribute>(), property.GetCustomAttribute<PathInputAttribute>());
            if (artifact is null && path is null) continue;
            new[] { typeof(string), typeof(IReadOnlyList<string>) }.Should().Contain(property.PropertyType, "{0} is a path or several", property.Name);
            property.GetCustomAttribute<ResultNeutralAttribute>().Should().BeNull("the content of {0} enters the fingerprint", property.Name);
            if (artifact is null) continue;
            path.Should().BeNull("{0} comes from a stage or from outside, not from both", property.Name);
            artifact.Kinds.Should().NotBeEmpty().And.BeSubsetOf(KnownKinds).And.OnlyHaveUniqueItems();
            (artifact.Explicit && IsRequired(property)).Should().BeFalse("a pipeline fills {0} only where it is told to", property.Name);
            if (artifact.MadeFrom is { } source) type.GetProperty(source)?.GetCustomAttribute<ArtifactInputAttribute>().Should().NotBeNull("{0} is made from {1}", property.Name, source);
        }
    }

    [Theory]
    [InlineData(typeof(DownloadRequest), nameof(DownloadRequest.ParallelDownloads), 0, 33)]
    [InlineData(typeof(ConvertRequest), nameof(ConvertRequest.NumShards), 0, 1025)]
    [InlineData(typeof(TrainRequest), nameof(TrainRequest.LoraDropout), -0.01, 1.0)]
    [InlineData(typeof(TrainRequest), nameof(TrainRequest.MaxSeqLength), 7, (1 << 20) + 1)]
    [InlineData(typeof(TrainRequest), nameof(TrainRequest.WarmupRatio), -0.1, 1.1)]
    [InlineData(typeof(PretrainRequest), nameof(PretrainRequest.ValidationSplit), -0.1, 0.91)]
    [InlineData(typeof(ExportRequest), nameof(ExportRequest.BlockSize), 31, 512)]
    [InlineData(typeof(EvaluateRequest), nameof(EvaluateRequest.SmokeCount), -1, 10_001)]
    public void Values_JustOutside_AreRefused(Type type, string property, object below, object above)
    {
        foreach (var value in new[] { below, above })
            Validator.TryValidateProperty(value, new ValidationContext(Contracts.Create(type)) { MemberName = property }, null).Should().BeFalse("{0} cannot be {1}", property, value);
    }

    [Theory]
    [InlineData("auto", true)]
    [InlineData("3.1", true)]
    [InlineData("3.3", false)]
    [InlineData("Auto", false)]
    [InlineData("", false)]
    public void LlamaVersion_IsOneOfMetas(string version, bool isOne)
        => Validator.TryValidateProperty(version, new ValidationContext(new ConvertRequest()) { MemberName = nameof(ConvertRequest.LlamaVersion) }, null).Should().Be(isOne);

    /// <summary>Nothing but how much is done at a time, how often it is noted, and where: an option that changes the result has to change the fingerprint.</summary>
    [Fact]
    public void ResultNeutral_IsOnlyWhatChangesNoResult()
        => Contracts.Requests.SelectMany(Contracts.PropertiesOf).Where(property => property.GetCustomAttribute<ResultNeutralAttribute>() is not null).Select(property => property.Name).Distinct()
            .Should().BeEquivalentTo("ParallelDownloads", "SaveSteps", "SaveTotalLimit", "Resume", "LoggingSteps", "DataCacheDir");

    private static bool IsRequired(PropertyInfo property) => property.GetCustomAttribute<RequiredAttribute>() is not null;
}
