using System.Globalization;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;
using Alpaca.Abstractions;

namespace Alpaca.Host;

/// <summary>The registry's files of one pipeline: <c>&lt;workspace&gt;/registry/&lt;pipeline&gt;</c>. Files appear whole or not at all, and survive a power cut.</summary>
/// <param name="workspace">The workspace's folder.</param>
/// <param name="pipeline">The pipeline's name.</param>
internal sealed class RegistryFolder(string workspace, string pipeline)
{
    private static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web)
    {
        WriteIndented = true,
        NumberHandling = JsonNumberHandling.AllowNamedFloatingPointLiterals,
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
        RespectNullableAnnotations = true,
        RespectRequiredConstructorParameters = true,
        Converters = { new JsonStringEnumConverter() },
    };

    private readonly string _versions = Path.Combine(workspace, "registry", pipeline, "versions");

    /// <summary>The file of the aliases.</summary>
    public string AliasesFile { get; } = Path.Combine(workspace, "registry", pipeline, "aliases.json");

    /// <summary>The file of a version.</summary>
    public string VersionFile(int number) => Path.Combine(_versions, string.Create(CultureInfo.InvariantCulture, $"{number}.json"));

    /// <summary>The numbers of all versions, the oldest first.</summary>
    public IReadOnlyList<int> Numbers() => Directory.Exists(_versions)
        ? [.. Directory.EnumerateFiles(_versions, "*.json").Select(NumberOf).OfType<int>().Order()]
        : [];

    /// <returns>A version, or <see langword="null"/> where there is no file of it.</returns>
    /// <exception cref="AlpacaException">The file cannot be read or is damaged.</exception>
    public ModelVersion? Version(int number)
    {
        var version = Read<ModelVersion>(VersionFile(number));
        return version is null || (version.Number == number && version.Pipeline == pipeline)
            ? version
            : throw Damaged(VersionFile(number), $"it is of version {version.Number} of pipeline {version.Pipeline}", null);
    }

    /// <returns>The aliases; none where there is no file of them yet.</returns>
    /// <exception cref="AlpacaException">The file cannot be read or is damaged.</exception>
    public RegistryAliases Aliases() => Read<RegistryAliases>(AliasesFile) ?? new RegistryAliases(null, null, null);

    /// <returns>Why a version was taken back, or <see langword="null"/>.</returns>
    /// <exception cref="AlpacaException">The file cannot be read or is damaged.</exception>
    public VersionRejection? Rejection(int number) => Read<VersionRejection>(RejectionFile(number));

    /// <summary>Writes a version under the next number that nobody has or had.</summary>
    /// <param name="above">The highest number known from elsewhere.</param>
    /// <param name="create">Makes the version of a number.</param>
    /// <exception cref="AlpacaException">The workspace cannot be written to.</exception>
    public ModelVersion Add(int above, Func<int, ModelVersion> create) => Writing(() =>
    {
        Directory.CreateDirectory(_versions);
        for (var number = Math.Max(above, Numbers() is [.., var last] ? last : 0) + 1; ; number++)
        {
            var version = create(number);
            if (DurableFile.TryCreate(VersionFile(number), Serialize(version))) return version;
        }
    });

    /// <summary>Replaces the aliases.</summary>
    /// <exception cref="AlpacaException">The workspace cannot be written to.</exception>
    public void Write(RegistryAliases aliases) => Writing(() =>
    {
        DurableFile.Replace(AliasesFile, Serialize(aliases));
        return true;
    });

    /// <summary>Marks a version as taken back, or no longer.</summary>
    /// <exception cref="AlpacaException">The workspace cannot be written to.</exception>
    public void Write(int number, VersionRejection? rejection) => Writing(() =>
    {
        if (rejection is null) File.Delete(RejectionFile(number));
        else DurableFile.Replace(RejectionFile(number), Serialize(rejection));
        return true;
    });

    /// <summary>Removes the unfinished files of processes that died. Only for the holder of the registry's lock: nobody else writes.</summary>
    public void RemoveLeftovers()
    {
        foreach (var folder in (string[])[_versions, Path.GetDirectoryName(_versions)!])
        {
            if (!Directory.Exists(folder)) continue;
            foreach (var file in Directory.EnumerateFiles(folder, ".*.partial-*")) File.Delete(file);
        }
    }

    private string RejectionFile(int number) => Path.ChangeExtension(VersionFile(number), ".rejected.json");

    private static string Serialize<T>(T value) => JsonSerializer.Serialize(value, Json) + "\n";

    private static T? Read<T>(string file) where T : class
    {
        try
        {
            // Not File.ReadAllText: on Windows it would stand in the way of whoever replaces the file.
            using var stream = new FileStream(file, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
            return JsonSerializer.Deserialize<T>(stream, Json) ?? throw Damaged(file, "it is empty", null);
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            return null;
        }
        catch (JsonException e)
        {
            throw Damaged(file, e.Message, e);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new AlpacaException($"{file} cannot be read ({e.Message}); give the user that runs alpaca access to it.", e);
        }
    }

    private T Writing<T>(Func<T> write)
    {
        try
        {
            return write();
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new AlpacaException($"The registry in {workspace} cannot be written to ({e.Message}); make room, or give the user that runs alpaca access to it.", e);
        }
    }

    private static AlpacaException Damaged(string file, string why, Exception? cause)
        => new($"{file} is damaged ({why}); restore it from a backup, or move it away and promote a version with `alpaca models promote`.", cause);

    private static int? NumberOf(string file)
        => int.TryParse(Path.GetFileNameWithoutExtension(file), NumberStyles.None, CultureInfo.InvariantCulture, out var number) && number > 0 ? number : null;
}
