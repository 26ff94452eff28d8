namespace Alpaca.Abstractions;

/// <summary>Marks a request property (a path or a list of paths) that takes the folder of an artifact made by an earlier stage.</summary>
/// <remarks>
/// In a pipeline the default is the newest upstream artifact of one of <paramref name="kinds"/> (see <see cref="Explicit"/> and <see cref="MadeFrom"/>); on the command line the property is an ordinary path option.
/// The manifest digest of the artifact enters the stage's fingerprint.
/// </remarks>
/// <param name="kinds">The artifact kinds that fit, most wanted first; see <see cref="ArtifactKinds"/>.</param>
[AttributeUsage(AttributeTargets.Property)]
public sealed class ArtifactInputAttribute(params string[] kinds) : Attribute
{
    /// <summary>The artifact kinds that fit, most wanted first.</summary>
    public IReadOnlyList<string> Kinds { get; } = kinds;

    /// <summary>Whether a pipeline fills the property only where it is told to, under <c>Inputs</c>. The default is <see langword="false"/>.</summary>
    public bool Explicit { get; init; }

    /// <summary>Another artifact property of the request: by default only artifacts that were made from that one's fit. The default is <see langword="null"/>: any.</summary>
    public string? MadeFrom { get; init; }
}

/// <summary>Marks a request property (a path or a list of paths) that names files or folders outside the workspace. Their content enters the fingerprint.</summary>
/// <remarks>A relative path in configuration is relative to the configuration file's folder; on the command line, to the current folder.</remarks>
[AttributeUsage(AttributeTargets.Property)]
public sealed class PathInputAttribute : Attribute
{
    /// <summary>Whether the value may also be an address, whose text enters the fingerprint instead of its content. The default is <see langword="false"/>.</summary>
    /// <remarks>An address is a text with <c>://</c> in it, or one that begins with a scheme of two letters or more and a colon (<c>hf:owner/name</c>).</remarks>
    public bool AllowUrl { get; init; }
}

/// <summary>Marks a request property that changes how a stage works but not what it makes, such as how much it does at a time.</summary>
/// <remarks>It does not enter the fingerprint: with another value an artifact is still up to date, and an attempt that was broken off is gone on from.</remarks>
[AttributeUsage(AttributeTargets.Property)]
public sealed class ResultNeutralAttribute : Attribute;
