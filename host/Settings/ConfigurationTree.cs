using System.Collections;
using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Alpaca.Abstractions;
using Microsoft.Extensions.Configuration;

namespace Alpaca.Host;

/// <summary>The configuration as one JSON document into which environment variables and <c>--set</c> are merged.</summary>
/// <remarks>A document rather than layered key-value providers: it keeps the order of the stages, and a list that is set replaces the one in the file as a whole.</remarks>
internal sealed class ConfigurationTree
{
    private static readonly JsonNodeOptions IgnoreCase = new() { PropertyNameCaseInsensitive = true };
    private static readonly JsonDocumentOptions WithComments =
        new() { CommentHandling = JsonCommentHandling.Skip, AllowTrailingCommas = true, AllowDuplicateProperties = false };

    private ConfigurationTree(JsonObject root) => Root = root;

    public JsonObject Root { get; }

    public static ConfigurationTree Empty() => new(new JsonObject(IgnoreCase));

    /// <exception cref="AlpacaUsageException">The file cannot be read or is not a JSON object.</exception>
    public static ConfigurationTree Read(string file)
    {
        try
        {
            return JsonNode.Parse(File.ReadAllText(file), IgnoreCase, WithComments) is JsonObject root
                ? new ConfigurationTree(root)
                : throw new AlpacaUsageException($"{file} is not a JSON object.");
        }
        catch (JsonException e)
        {
            var line = e.LineNumber is { } number ? $", line {number + 1}" : "";
            throw new AlpacaUsageException($"{file}{line} is not valid JSON: {e.Message}", e);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new AlpacaUsageException($"{file} cannot be read: {e.Message}", e);
        }
    }

    /// <summary>Applies <c>ALPACA_A__B</c>. A variable whose first part is no key of ours belongs to somebody else and is left alone.</summary>
    public void ApplyEnvironment(IDictionary variables, List<string> errors)
    {
        foreach (var name in variables.Keys.Cast<string>().Order(StringComparer.Ordinal))
        {
            if (!name.StartsWith(AlpacaSettings.EnvironmentPrefix, StringComparison.OrdinalIgnoreCase)) continue;
            var path = name[AlpacaSettings.EnvironmentPrefix.Length..].Split("__");
            if (ConfigurationSchema.IsTopLevelKey(path[0])) Set(path, (string)variables[name]!, $"the environment variable {name}", errors);
        }
    }

    /// <summary>Applies a folder of files, each named like the part of a variable behind its prefix. A name whose first part is no key of ours belongs to somebody else and is left alone.</summary>
    public void ApplyCredentials(string folder, List<string> errors)
    {
        try
        {
            foreach (var file in Directory.EnumerateFiles(folder).Order(StringComparer.Ordinal))
            {
                var path = Path.GetFileName(file).Split("__");
                if (path.Length > 1 && ConfigurationSchema.IsTopLevelKey(path[0])) Set(path, File.ReadAllText(file).TrimEnd('\r', '\n'), $"the credential {file}", errors);
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            errors.Add($"The credentials in {folder} cannot be read: {e.Message}");
        }
    }

    /// <summary>Applies <c>key=value</c> pairs; keys that begin with a pipeline's section belong to the chosen pipeline.</summary>
    public void ApplyOverrides(IReadOnlyList<string> overrides, string? pipeline, List<string> errors)
    {
        foreach (var text in overrides)
        {
            var equals = text.IndexOf('=', StringComparison.Ordinal);
            if (equals <= 0)
            {
                errors.Add($"--set {text} is not of the form key=value, for example Stages:train:LoraRank=16.");
                continue;
            }

            var path = text[..equals].Trim().Split(':');
            if (ConfigurationSchema.IsPipelineKey(path[0]))
            {
                if ((pipeline ?? Text("DefaultPipeline") ?? OnlyPipeline()) is not { } chosen)
                {
                    errors.Add($"--set {text} belongs to a pipeline, and none is chosen; write Pipelines:NAME:{text}.");
                    continue;
                }

                path = ["Pipelines", chosen, .. path];
            }

            Set(path, text[(equals + 1)..], $"--set {(ConfigurationSchema.IsSecret(path) ? text[..equals] : text)}", errors);
        }
    }

    /// <summary>The text at a path, or <see langword="null"/> when there is none.</summary>
    public string? Text(params string[] path) => Find(path) is JsonValue value ? TextOf(value) : null;

    /// <summary>The texts at a path: a JSON list, or one text with commas.</summary>
    public IReadOnlyList<string> Texts(params string[] path) => Find(path) switch
    {
        JsonArray list => [.. list.OfType<JsonValue>().Select(TextOf)],
        JsonValue value => OptionList.Split(TextOf(value)),
        _ => [],
    };

    public IConfiguration ToConfiguration()
    {
        using var json = new MemoryStream(Encoding.UTF8.GetBytes(Root.ToJsonString()));
        return new ConfigurationBuilder().AddJsonStream(json).Build();
    }

    public static string TextOf(JsonValue value) => value.GetValueKind() == JsonValueKind.String ? value.GetValue<string>() : value.ToJsonString();

    private string? OnlyPipeline() => Root["Pipelines"] is JsonObject { Count: 1 } pipelines ? pipelines.First().Key : null;

    private JsonNode? Find(string[] path)
    {
        JsonNode? node = Root;
        foreach (var part in path) node = (node as JsonObject)?[part];
        return node;
    }

    private void Set(string[] path, string value, string source, List<string> errors)
    {
        // A pipeline or a stage is made in the file: here, an unknown one is a slip.
        if (path.Length > 1 && Is(path[0], "Pipelines") && Missing(Root["Pipelines"], path[1], out var pipelineHint))
        {
            errors.Add($"{source} names the pipeline '{path[1]}', which is not configured{pipelineHint}");
            return;
        }

        if (path.Length > 3 && Is(path[0], "Pipelines") && Is(path[2], "Stages") && Missing(Find(path[..3]), path[3], out var stageHint))
        {
            errors.Add($"{source} names the stage '{path[3]}', which pipeline {path[1]} does not have{stageHint}");
            return;
        }

        JsonNode node = Root;
        for (var i = 0; i < path.Length - 1; i++)
        {
            if (node is not JsonObject section)
            {
                errors.Add($"{source} sets a key below a list, whose elements are single values.");
                return;
            }

            var child = section[path[i]];
            if (child is null or JsonValue)
            {
                child = int.TryParse(path[i + 1], NumberStyles.None, CultureInfo.InvariantCulture, out _) ? new JsonArray() : new JsonObject(IgnoreCase);
                section[path[i]] = child;
            }

            node = child;
        }

        if (node is JsonArray list) SetElement(list, path[^1], value, source, errors);
        else ((JsonObject)node)[path[^1]] = value;
    }

    private static void SetElement(JsonArray list, string index, string value, string source, List<string> errors)
    {
        if (!int.TryParse(index, NumberStyles.None, CultureInfo.InvariantCulture, out var i) || i > list.Count)
            errors.Add($"{source} sets the element '{index}' of a list that has {list.Count}; the next one is {list.Count}.");
        else if (i == list.Count)
            list.Add(value);
        else
            list[i] = value;
    }

    private static bool Is(string part, string key) => part.Equals(key, StringComparison.OrdinalIgnoreCase);

    private static bool Missing(JsonNode? parent, string key, out string hint)
    {
        var known = parent is JsonObject entries ? entries.Select(e => e.Key).ToList() : [];
        hint = known.Count == 0 ? "." : $" (there is {string.Join(", ", known)}){NearestName.Suggest(key, known)}";
        return !known.Contains(key, StringComparer.OrdinalIgnoreCase);
    }
}
