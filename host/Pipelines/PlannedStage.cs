namespace Alpaca.Host;

/// <summary>What a run would do with a stage, and why.</summary>
/// <param name="Stage">The stage entry's name.</param>
/// <param name="Uses">The plugin stage.</param>
/// <param name="UpToDate">Whether it would be skipped.</param>
/// <param name="Reason">Why it would run: <c>no artifact yet</c>, <c>option LoraRank changed from 8 to 16</c>, <c>input DatasetDir changed</c>; or <c>up to date</c>.</param>
/// <param name="ArtifactKind">The kind of artifact it makes.</param>
/// <param name="Fingerprint">The fingerprint of its request; <see langword="null"/> while an earlier stage has yet to make one of its inputs.</param>
/// <param name="ArtifactFolder">Where its artifact is or will be; <see langword="null"/> with the fingerprint.</param>
public sealed record PlannedStage(
    string Stage, string Uses, bool UpToDate, string Reason, string ArtifactKind, string? Fingerprint, string? ArtifactFolder);
