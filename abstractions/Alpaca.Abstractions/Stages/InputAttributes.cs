namespace Alpaca.Abstractions;

/// <summary>Marks a request property (a path or a list of paths) that takes the folder of an artifact made by an earlier stage.</summary>
/// <remarks>
/// In a pipeline the default is the newest upstream artifact of one of <paramref name="kinds"/>; on the command line the property is an ordinary path option.
/// The manifest digest of the artifact enters the stage's fingerprint.
/// </remarks>
/// <param name="kinds">The artifact kinds that fit, most wanted first; see <see cref="ArtifactKinds"/>.</param>
[AttributeUsage(AttributeTargets.Property)]
public sealed class ArtifactInputAttribute(params string[] kinds) : Attribute
{
    /// <summary>The artifact kinds that fit, most wanted first.</summary>
    public IReadOnlyList<string> Kinds { get; } = kinds;
}

/// <summary>Marks a request property (a path or a list of paths) that names files or folders outside the workspace. Their content enters the fingerprint.</summary>
/// <remarks>A relative path in configuration is relative to the configuration file's folder; on the command line, to the current folder.</remarks>
[AttributeUsage(AttributeTargets.Property)]
public sealed class PathInputAttribute : Attribute
{
    /// <summary>Whether the value may also be a URL, whose text enters the fingerprint instead of its content. The default is <see langword="false"/>.</summary>
    public bool AllowUrl { get; init; }
}
