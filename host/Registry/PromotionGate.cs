using System.Globalization;
using Alpaca.Abstractions;

namespace Alpaca.Host;

/// <summary>Registers what a run made as a version, judges it by the pipeline's rules, and promotes or rejects it.</summary>
public sealed class PromotionGate
{
    private readonly ModelRegistry _registry;
    private readonly ArtifactStore _store;
    private readonly TimeProvider _time;

    /// <summary>Judges over a workspace's registry.</summary>
    public PromotionGate(ModelRegistry registry, ArtifactStore store, TimeProvider time)
    {
        ArgumentNullException.ThrowIfNull(registry);
        ArgumentNullException.ThrowIfNull(store);
        ArgumentNullException.ThrowIfNull(time);
        (_registry, _store, _time) = (registry, store, time);
    }

    /// <summary>Judges the artifacts of a whole run.</summary>
    /// <param name="pipeline">A pipeline with a section <c>Promotion</c>, as it was wired for the run.</param>
    /// <param name="runId">The run.</param>
    /// <param name="made">What each stage made.</param>
    /// <returns>The verdict, which has been carried out.</returns>
    /// <exception cref="AlpacaException">The registry cannot be used.</exception>
    internal PromotionVerdict Judge(WiredPipeline pipeline, long runId, IReadOnlyDictionary<string, StoredArtifact> made)
    {
        var (name, promotion) = (pipeline.Definition.Name, pipeline.Definition.Promotion!);
        var artifacts = pipeline.Stages.Select(stage => Describe(stage.Name, made[stage.Name])).ToList();
        return _registry.Change(name, edit =>
        {
            var aliases = edit.Aliases;
            if (Known(name, artifacts, aliases) is { } known)
            {
                // A process that died between registering it and moving the aliases has left the second to us.
                if (known.Number <= (aliases.Candidate ?? 0)) return known.Verdict with { Outcome = PromotionOutcome.Unchanged, Reason = Unchanged(known, aliases) };
                Settle(edit, known);
                return known.Verdict;
            }

            var champion = aliases.Champion is { } number ? _registry.Get(name, number) : null;
            var metrics = MetricsOf(pipeline, made);
            var rules = promotion.Rules.Select(rule => rule.Apply(metrics, champion)).ToList();
            var (outcome, reason) = Decide(promotion, rules, pipeline.Champion, champion);
            var version = edit.Add(next => new ModelVersion
            {
                Number = next,
                Pipeline = name,
                RunId = runId,
                CreatedAt = _time.GetUtcNow(),
                Parent = champion?.Number,
                Artifacts = artifacts,
                BaseModel = BaseModelOf(pipeline, made),
                Inputs = [.. pipeline.Stages.SelectMany(stage => made[stage.Name].Manifest.Inputs.Where(input => input.Stage is null).Select(input => Describe(stage, input)))],
                Metrics = metrics,
                Verdict = new PromotionVerdict(next, outcome, rules.TrueForAll(rule => rule.Passed), reason, rules),
            });
            Settle(edit, version);
            return version.Verdict;
        });
    }

    private static void Settle(RegistryEdit edit, ModelVersion version)
    {
        if (version.Verdict.Outcome == PromotionOutcome.Promoted) edit.Promote(version, version.Verdict.Reason, asCandidate: true);
        else edit.Nominate(version, version.Verdict.Reason);
    }

    private static (PromotionOutcome Outcome, string Reason) Decide(PromotionSettings promotion, List<RuleResult> rules, ModelVersion? compared, ModelVersion? champion)
    {
        var failed = rules.Where(rule => !rule.Passed).ToList();
        if (failed.Count > 0) return (PromotionOutcome.Rejected, $"It failed {string.Join(" and ", failed.Select(Failure))}.");
        if (!promotion.Automatic) return (PromotionOutcome.Waiting, "It passed; promotion is by hand.");
        if (compared?.Number != champion?.Number)
            return (PromotionOutcome.Waiting, $"It passed, but was compared with {Name(compared)}, and the champion was changed to {Name(champion)} during the run.");
        return (PromotionOutcome.Promoted, rules.Count == 1 ? "It passed the rule." : string.Create(CultureInfo.InvariantCulture, $"It passed all {rules.Count} rules."));

        static string Name(ModelVersion? version) => version is null ? "none" : string.Create(CultureInfo.InvariantCulture, $"version {version.Number}");
    }

    private static string Failure(RuleResult rule) => rule is { Value: { } value, Limit: { } limit }
        ? string.Create(CultureInfo.InvariantCulture, $"'{rule.Rule}' ({value:G5} against {limit:G5})")
        : $"'{rule.Rule}' ({rule.Note})";

    /// <summary>
    /// The version with the same artifacts, whatever became of it; else one with the same models, however they were measured, of those about which somebody decided for good: the champion, the one it replaced or that was
    /// rolled back, and those that were taken back.
    /// </summary>
    private ModelVersion? Known(string pipeline, List<VersionArtifact> artifacts, RegistryAliases aliases)
    {
        var versions = _registry.List(pipeline);
        return versions.FirstOrDefault(version => version.Artifacts.SequenceEqual(artifacts))
            ?? versions.FirstOrDefault(version => Models(version.Artifacts).SequenceEqual(Models(artifacts))
                && (version.Number == aliases.Champion || version.Number == aliases.Previous || _registry.Rejection(pipeline, version.Number) is not null));

        static IEnumerable<VersionArtifact> Models(IEnumerable<VersionArtifact> of) => of.Where(artifact => artifact.Kind != ArtifactKinds.Evaluation);
    }

    private string Unchanged(ModelVersion known, RegistryAliases aliases)
    {
        var what = string.Create(CultureInfo.InvariantCulture, $"The run made the models of version {known.Number} again, ");
        if (_registry.Rejection(known.Pipeline, known.Number) is { } rejection) return $"{what}which was taken back: {rejection.Reason}";
        if (known.Number == aliases.Champion) return $"{what}which is the champion.";
        return known.Verdict.Passed ? $"{what}which is not the champion any more." : $"{what}which was rejected: {known.Verdict.Reason}";
    }

    private VersionArtifact Describe(string stage, StoredArtifact artifact) => new(
        stage, artifact.Manifest.Kind, Path.GetRelativePath(_store.Workspace, artifact.Folder).Replace('\\', '/'), artifact.Manifest.Fingerprint, artifact.Manifest.Digest);

    private static VersionInput Describe(WiredStage stage, ManifestInput input) => new(stage.Name, input.Option, input.Source, input.Digest);

    private static Dictionary<string, double> MetricsOf(WiredPipeline pipeline, IReadOnlyDictionary<string, StoredArtifact> made)
    {
        var metrics = new Dictionary<string, double>();
        foreach (var (name, value) in pipeline.Stages.SelectMany(stage => made[stage.Name].Manifest.Metrics)) metrics[name] = value;
        return metrics;
    }

    /// <summary>What the last stage that makes an adapter took as its model.</summary>
    private static VersionInput? BaseModelOf(WiredPipeline pipeline, IReadOnlyDictionary<string, StoredArtifact> made)
    {
        if (pipeline.Stages.LastOrDefault(stage => stage.Plugin.ArtifactKind == ArtifactKinds.Adapter) is not { } trainer) return null;
        var models = RequestSchema.Describe(trainer.Plugin.RequestType).Where(option => option.ArtifactKinds is [ArtifactKinds.Model]).Select(option => option.Name).ToList();
        return made[trainer.Name].Manifest.Inputs.Where(input => models.Contains(input.Option)).Select(input => Describe(trainer, input)).FirstOrDefault();
    }
}
