using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;
using Alpaca.Abstractions;

namespace Alpaca.Host;

/// <summary>Turns a wired stage into a request and a fingerprint, once its inputs are there.</summary>
internal sealed class StagePreparer(ContentDigests digests, ModelRegistry registry)
{
    /// <summary>The files and folders from outside that are missing, one sentence each.</summary>
    public static IEnumerable<string> MissingPaths(WiredStage stage, ConfiguredPaths paths)
        => from option in RequestSchema.Describe(stage.Plugin.RequestType)
           where option.IsPath && stage.Definition.Options.ContainsKey(option.Name)
           from source in GivenPaths(stage, option, paths)
           where LocalPath(source) is { } path && !Path.Exists(path)
           select $"{stage.Definition.Key}:{option.Name} is {source}, which does not exist.";

    /// <summary>Builds the request.</summary>
    /// <param name="stage">The stage.</param>
    /// <param name="pipeline">Its pipeline, with the champion.</param>
    /// <param name="made">The artifacts of the stages before, by entry name; every wired one is among them.</param>
    /// <param name="progress">Told about large files that are read.</param>
    /// <param name="cancellationToken">Ends the reading early.</param>
    public PreparedStage Prepare(
        WiredStage stage, WiredPipeline pipeline, IReadOnlyDictionary<string, StoredArtifact> made, IStageProgress progress, CancellationToken cancellationToken)
    {
        var values = new Dictionary<string, IReadOnlyList<string>>(stage.Definition.Options, StringComparer.OrdinalIgnoreCase);
        var inputs = new List<ManifestInput>();
        var bytes = 0L;
        var schema = RequestSchema.Describe(stage.Plugin.RequestType);
        foreach (var option in schema.Where(o => o.IsPath))
        {
            var sources = new List<string>();
            foreach (var name in stage.Wiring.GetValueOrDefault(option.Name, []))
            {
                if (Artifact(name, option) is not { } artifact) continue;
                sources.Add(artifact.Folder);
                inputs.Add(new ManifestInput(option.Name, artifact.Folder, name, artifact.Manifest.Digest));
                bytes += artifact.Manifest.TotalSize;
            }

            foreach (var source in GivenPaths(stage, option, pipeline.Definition.Paths))
            {
                var (input, size) = FromOutside(option, source, progress, cancellationToken);
                sources.Add(source);
                inputs.Add(input);
                bytes += size;
            }

            if (sources.Count > 0) values[option.Name] = option.IsList ? [.. sources.Select(OptionList.Escape)] : sources;
        }

        var errors = new List<string>();
        var request = RequestBinder.Bind(stage.Plugin.RequestType, values, errors, name => $"{stage.Definition.Key}:{name}");
        if (errors.Count > 0) throw new AlpacaUsageException(string.Join(Environment.NewLine, errors));
        return new PreparedStage(stage, request, Canonical(request, schema), inputs, bytes);

        StoredArtifact? Artifact(string name, RequestOption option)
        {
            if (name != ChampionInput.Name) return made[name];
            return ChampionInput.Find(pipeline.Champion, option.ArtifactKinds) is { } artifact ? registry.Find(pipeline.Champion!, artifact) : null;
        }
    }

    /// <summary>The options that are no paths and that change what is made, as they ended up in a request, by name.</summary>
    public static SortedDictionary<string, JsonNode?> Canonical(object request, IEnumerable<RequestOption> schema)
    {
        var canonical = new SortedDictionary<string, JsonNode?>(StringComparer.Ordinal);
        foreach (var option in schema.Where(o => o is { IsPath: false, IsResultNeutral: false }))
            canonical[option.Name] = PlainJson.FromValue(request.GetType().GetProperty(option.Name)!.GetValue(request));
        return canonical;
    }

    private (ManifestInput Input, long Size) FromOutside(RequestOption option, string source, IStageProgress progress, CancellationToken cancellationToken)
    {
        if (LocalPath(source) is not { } path)
        {
            var address = SourceAddress.WithoutSignature(source);
            return (new ManifestInput(option.Name, address, null, Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(address)))), 0);
        }

        var (digest, size) = digests.Of(path, progress, cancellationToken);
        return (new ManifestInput(option.Name, source, null, digest), size);
    }

    private static IEnumerable<string> GivenPaths(WiredStage stage, RequestOption option, ConfiguredPaths paths)
    {
        if (!stage.Definition.Options.TryGetValue(option.Name, out var texts)) return [];
        var values = option.IsList ? texts.SelectMany(OptionList.Split) : texts;
        return values.Where(v => v.Length > 0).Select(v => option.AllowUrl && SourceAddress.IsAddress(v) ? v : paths.Resolve(v));
    }

    /// <summary>The path on this machine, also of a <c>file://</c> address; <see langword="null"/> for any other address.</summary>
    private static string? LocalPath(string source)
        => !SourceAddress.IsAddress(source) ? source : Uri.TryCreate(source, UriKind.Absolute, out var address) && address.IsFile ? address.LocalPath : null;
}
