using System.Reflection;
using System.Text.Json.Serialization;

namespace Alpaca.Abstractions.Tests;

public sealed class ArtifactTests
{
    [Fact]
    public void Kind_OfEachArtifact_IsItsOwnKnownAndAFolderName()
    {
        var kinds = Contracts.Artifacts.Select(type => ((Artifact)Contracts.Create(type)).Kind).ToList();

        kinds.Should().OnlyHaveUniqueItems().And.BeEquivalentTo(typeof(ArtifactKinds).GetFields().Select(field => (string)field.GetRawConstantValue()!));
        kinds.Should().OnlyContain(kind => kind.All(char.IsAsciiLetterLower));
    }

    /// <summary>Where it is marked, overrides are too for whoever asks as the host does (System.Text.Json does not).</summary>
    [Fact]
    public void Kind_OfEachArtifact_IsLeftToTheManifest()
        => Contracts.Artifacts.Should().OnlyContain(type => type.GetProperty(nameof(Artifact.Kind))!.GetCustomAttribute<JsonIgnoreAttribute>() != null);

    /// <summary>The folder is renamed when the stage has succeeded, so a path in an artifact is wrong by then.</summary>
    [Fact]
    public void Properties_OfArtifacts_HoldNoPath()
        => Contracts.Artifacts.SelectMany(Contracts.PropertiesOf).Select(property => property.Name).Should().NotContainMatch("*Path*").And.NotContainMatch("*Folder*").And.NotContainMatch("*File*").And.NotContainMatch("*Dir*");
}
