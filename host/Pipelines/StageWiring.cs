namespace Alpaca.Host;

/// <summary>Finds the source of each input of one stage and checks its options.</summary>
/// <param name="pipeline">The pipeline.</param>
/// <param name="stage">The entry.</param>
/// <param name="plugin">Its plugin stage.</param>
/// <param name="earlier">The entries before it that could be wired; one whose plugin stage is missing is not among them.</param>
internal sealed class StageWiring(PipelineDefinition pipeline, StageDefinition stage, PluginStage plugin, IReadOnlyList<WiredStage> earlier)
{
    private readonly IReadOnlyList<RequestOption> _options = RequestSchema.Describe(plugin.RequestType);

    public WiredStage Resolve(List<string> errors)
    {
        var wiring = new Dictionary<string, IReadOnlyList<string>>();
        foreach (var (name, sources) in stage.Inputs) AddConfigured(name, sources, wiring, errors);
        foreach (var option in _options.Where(o => o.IsArtifact && !stage.Inputs.ContainsKey(o.Name) && !stage.Options.ContainsKey(o.Name)))
        {
            if (Default(option, wiring) is { Count: > 0 } sources) wiring[option.Name] = sources;
            else if (option.Required && AllEarlierAreKnown) errors.Add(NobodyMakes(option));
        }

        // A stand-in takes the place of what is wired, so that all other options are checked now.
        var values = new Dictionary<string, IReadOnlyList<string>>(stage.Options, StringComparer.OrdinalIgnoreCase);
        foreach (var option in _options.Where(o => o.IsArtifact && !values.ContainsKey(o.Name))) values[option.Name] = ["artifact"];
        RequestBinder.Bind(plugin.RequestType, values, errors, name => $"{stage.Key}:{name}");
        return new WiredStage(stage, plugin, wiring);
    }

    /// <summary>Where a stage before could not be wired, what it makes is unknown, and a missing input is not this stage's fault.</summary>
    private bool AllEarlierAreKnown => earlier.Count == pipeline.Stages.TakeWhile(s => s.Name != stage.Name).Count();

    /// <summary>
    /// The newest artifact of the most wanted kind there is; for a list, all of that kind in their order, save those from which another input was made: an adapter that is merged into the base
    /// already is not merged a second time.
    /// </summary>
    private List<string> Default(RequestOption option, Dictionary<string, IReadOnlyList<string>> wiring)
    {
        if (!option.IsWiredByDefault) return [];
        foreach (var kind in option.ArtifactKinds)
        {
            var makers = earlier.Where(s => s.Plugin.ArtifactKind == kind && IsMadeFrom(option.MadeFrom, s)).Select(s => s.Name).ToList();
            if (option.IsList) makers = [.. makers.Except(SourcesOf(wiring))];
            if (makers.Count > 0) return option.IsList ? makers : makers[^1..];
        }

        return [];

        bool IsMadeFrom(string? source, WiredStage maker)
            => source is null || maker.Wiring.Values.SelectMany(names => names).Intersect(wiring.GetValueOrDefault(source, [])).Any();
    }

    /// <summary>What the inputs wired so far were made from, at any distance.</summary>
    private HashSet<string> SourcesOf(Dictionary<string, IReadOnlyList<string>> wiring)
    {
        var sources = new HashSet<string>();
        var open = new Queue<string>(wiring.Values.SelectMany(names => names));
        while (open.TryDequeue(out var name))
        {
            foreach (var source in earlier.Where(s => s.Name == name).SelectMany(s => s.Wiring.Values).SelectMany(names => names))
                if (sources.Add(source)) open.Enqueue(source);
        }

        return sources;
    }

    private void AddConfigured(string name, IReadOnlyList<string> sources, Dictionary<string, IReadOnlyList<string>> wiring, List<string> errors)
    {
        var key = $"{stage.Key}:Inputs:{name}";
        var inputs = _options.Where(o => o.IsArtifact).Select(o => o.Name).ToList();
        var option = _options.FirstOrDefault(o => o.IsArtifact && o.Name.Equals(name, StringComparison.OrdinalIgnoreCase));
        if (option is null)
        {
            errors.Add($"{key} is not an input of stage {plugin.Name} (there is {string.Join(", ", inputs)}){NearestName.Suggest(name, inputs)}");
            return;
        }

        if (stage.Options.ContainsKey(name)) errors.Add($"{key} and {stage.Key}:{option.Name} are both given; remove one of them.");
        if (sources.Count == 0) errors.Add($"{key} names no stage.");
        if (sources.Count > 1 && !option.IsList) errors.Add($"{key} names {sources.Count} stages; it takes one.");
        if (option.Required && sources.Count > 0 && sources.All(source => source == ChampionInput.Name))
            errors.Add($"{key} is {ChampionInput.Name}, but the first run has no champion and {stage.Key}:{option.Name} cannot be left out; name a stage.");
        foreach (var source in sources) CheckSource(key, source, option, errors);
        wiring[option.Name] = sources;
    }

    private void CheckSource(string key, string source, RequestOption option, List<string> errors)
    {
        if (source == ChampionInput.Name)
        {
            if (pipeline.Promotion is null) errors.Add($"{key} is {source}, but {pipeline.Key}:Promotion is missing, without which there never is a champion; add it.");
            return;
        }

        var maker = earlier.FirstOrDefault(s => s.Name == source);
        if (maker is not null && !option.ArtifactKinds.Contains(maker.Plugin.ArtifactKind))
        {
            errors.Add($"{key} names the stage '{source}', which makes a '{maker.Plugin.ArtifactKind}'; needed is {string.Join(" or ", option.ArtifactKinds)}.");
            return;
        }

        if (maker is not null) return;
        var position = pipeline.Stages.ToList().FindIndex(s => s.Name == source);
        if (position < 0)
            errors.Add($"{key} names the stage '{source}', which pipeline {pipeline.Name} does not have{NearestName.Suggest(source, earlier.Select(s => s.Name))}");
        else if (position >= pipeline.Stages.ToList().FindIndex(s => s.Name == stage.Name))
            errors.Add($"{key} names the stage '{source}', which does not come before {stage.Name}; move it up.");
    }

    private string NobodyMakes(RequestOption option)
    {
        var isTaken = earlier.Any(s => option.ArtifactKinds.Contains(s.Plugin.ArtifactKind));
        return $"{stage.Key}:{option.Name} is missing: no stage before {stage.Name} makes a {string.Join(" or ", option.ArtifactKinds)}{(isTaken ? " that its other inputs do not hold already" : "")}; add one, or set the option to a folder.";
    }
}
