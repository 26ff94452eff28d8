namespace Alpaca.Host;

/// <summary>One option of a stage: a public property of its request.</summary>
/// <param name="Name">The property's name, which is also the key in configuration.</param>
/// <param name="KebabName">The name on the command line, without the leading hyphens.</param>
/// <param name="Type">The type of one value: the element type of a list, the underlying type of a nullable.</param>
/// <param name="IsList">Whether several values can be given.</param>
/// <param name="Required">Whether there is no default to fall back on.</param>
/// <param name="Default">The value when nothing is given; <see langword="null"/> when it is required or means "none".</param>
/// <param name="Description">What it is, in a few words; empty where the request does not say.</param>
/// <param name="AllowedValues">The words it takes, for an enumeration or a truth value; <see langword="null"/> otherwise.</param>
public sealed record RequestOption(
    string Name, string KebabName, Type Type, bool IsList, bool Required, object? Default, string Description, IReadOnlyList<string>? AllowedValues)
{
    /// <summary>Whether a value names a file or a folder.</summary>
    public bool IsPath { get; init; }

    /// <summary>Whether a value may also be a URL.</summary>
    public bool AllowUrl { get; init; }

    /// <summary>Whether it changes how the stage works but not what it makes; then it enters no fingerprint.</summary>
    public bool IsResultNeutral { get; init; }

    /// <summary>The kinds of artifact that fit, most wanted first; empty where the option takes no artifact.</summary>
    public IReadOnlyList<string> ArtifactKinds { get; init; } = [];

    /// <summary>Whether pipelines fill it with an earlier stage's artifact unasked.</summary>
    public bool IsWiredByDefault { get; init; }

    /// <summary>The artifact option from whose artifact those that fit by default were made; <see langword="null"/> where any fits.</summary>
    public string? MadeFrom { get; init; }

    /// <summary>Whether pipelines can fill it with an earlier stage's artifact.</summary>
    public bool IsArtifact => ArtifactKinds.Count > 0;
}
