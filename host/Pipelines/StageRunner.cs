using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;
using Alpaca.Abstractions;
using Microsoft.Extensions.Logging;

namespace Alpaca.Host;

/// <summary>Runs a stage by itself, on paths the user names.</summary>
public sealed class StageRunner
{
    private readonly IPluginCatalog _catalog;
    private readonly TimeProvider _time;
    private readonly ILoggerFactory _loggers;

    /// <summary>Runs stages.</summary>
    public StageRunner(IPluginCatalog catalog, TimeProvider time, ILoggerFactory loggers)
    {
        ArgumentNullException.ThrowIfNull(catalog);
        ArgumentNullException.ThrowIfNull(time);
        ArgumentNullException.ThrowIfNull(loggers);
        (_catalog, _time, _loggers) = (catalog, time, loggers);
    }

    /// <summary>Runs a stage and puts its output in a folder, complete or not at all.</summary>
    /// <param name="stage">The stage.</param>
    /// <param name="request">An instance of its request type.</param>
    /// <param name="outputFolder">Where the output goes; relative to the current folder. It is made, with the folders above it.</param>
    /// <param name="overwrite">Whether a folder there that is not empty is replaced, once the stage has succeeded.</param>
    /// <param name="progress">Told how far it is.</param>
    /// <param name="cancellationToken">Ends the stage early. What it can go on from stays in <c>&lt;output&gt;.resume</c>.</param>
    /// <returns>What was made.</returns>
    /// <exception cref="AlpacaUsageException">The output folder cannot be used.</exception>
    /// <exception cref="AlpacaException">The stage failed for a reason the user can mend.</exception>
    public async Task<Artifact> RunAloneAsync(
        PluginStage stage, object request, string outputFolder, bool overwrite, IStageProgress? progress = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(stage);
        ArgumentNullException.ThrowIfNull(request);
        ArgumentException.ThrowIfNullOrWhiteSpace(outputFolder);
        var output = Path.TrimEndingDirectorySeparator(Path.GetFullPath(outputFolder));
        CheckOutput(output, overwrite, request);
        using var pending = Begin(output);
        var resumes = $"{output}.resume";
        var resume = CreateFolder(Path.Combine(resumes, DigestOf(stage, request)), output);
        try
        {
            var context = new StageContext
            {
                OutputFolder = pending.Folder,
                ResumeFolder = resume,
                CacheFolder = UserCache.Folder,
                Progress = progress ?? NullProgress.Instance,
                Logger = _loggers.CreateLogger(StageWorker.LogCategory(stage.Name)),
                Backends = _catalog.Backends,
                TimeProvider = _time,
            };
            var artifact = await stage.ExecuteAsync(request, context, cancellationToken).ConfigureAwait(false);
            cancellationToken.ThrowIfCancellationRequested();
            CheckOutput(output, overwrite, request); // somebody may have put something there meanwhile
            pending.Publish();
            DurableFolder.TryDelete(resumes);
            return artifact;
        }
        finally
        {
            DurableFolder.DeleteIfEmpty(resume);
            DurableFolder.DeleteIfEmpty(resumes);
        }
    }

    private static void CheckOutput(string output, bool overwrite, object request)
    {
        if (Path.GetDirectoryName(output) is null) throw new AlpacaUsageException($"The output folder {output} is a whole disk; name a folder on it.");
        if (File.Exists(output)) throw new AlpacaUsageException($"The output folder {output} is a file; choose another name.");
        if (!Directory.Exists(output) || !Directory.EnumerateFileSystemEntries(output).Any()) return;
        if (!overwrite) throw new AlpacaUsageException($"The output folder {output} is not empty; choose another one, empty it, or pass --overwrite.");
        foreach (var input in InputPaths(request))
        {
            if (IsSameOrInside(input, output))
                throw new AlpacaUsageException($"The output folder {output} holds the input {input}, which --overwrite would delete; choose another output folder.");
        }
    }

    private static PendingFolder Begin(string output)
    {
        var parent = CreateFolder(Path.GetDirectoryName(output)!, output);
        try
        {
            TemporaryName.RemoveLeftovers(parent, onlyFor: Path.GetFileName(output));
            return new PendingFolder(output);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw NotWritable(output, e);
        }
    }

    private static string CreateFolder(string folder, string output)
    {
        try
        {
            return Directory.CreateDirectory(folder).FullName;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw NotWritable(output, e);
        }
    }

    private static AlpacaUsageException NotWritable(string output, Exception cause)
        => new($"The output folder {output} cannot be written to ({cause.Message}); choose another one.", cause);

    /// <summary>What an earlier attempt left is only gone on from by the same stage with the same request; a presigned address that was renewed is the same one.</summary>
    private static string DigestOf(PluginStage stage, object request)
    {
        var values = new JsonObject();
        foreach (var option in RequestSchema.Describe(request.GetType()).Where(o => !o.IsResultNeutral))
        {
            var value = request.GetType().GetProperty(option.Name)!.GetValue(request);
            values[option.Name] = PlainJson.FromValue(option.AllowUrl && value is string text && SourceAddress.IsAddress(text) ? SourceAddress.WithoutSignature(text) : value);
        }

        var canonical = new JsonObject { ["stage"] = stage.Name, ["version"] = stage.Plugin.Version, ["request"] = values };
        return Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(canonical.ToJsonString())).AsSpan(0, 8));
    }

    private static IEnumerable<string> InputPaths(object request)
    {
        foreach (var option in RequestSchema.Describe(request.GetType()).Where(o => o.IsPath))
        {
            var value = request.GetType().GetProperty(option.Name)!.GetValue(request);
            var paths = value as IEnumerable<string> ?? (value is string path ? [path] : []);
            foreach (var each in paths.Where(p => p.Length > 0 && !(option.AllowUrl && SourceAddress.IsAddress(p)))) yield return Path.GetFullPath(each);
        }
    }

    private static bool IsSameOrInside(string path, string folder)
        => path == folder || path.StartsWith(folder + Path.DirectorySeparatorChar, StringComparison.Ordinal);
}
