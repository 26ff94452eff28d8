using System.Globalization;
using Alpaca.Abstractions;
using Alpaca.Formats;
using Microsoft.Extensions.Logging;

namespace Alpaca.Training;

/// <summary>The checkpoints of a run: <c>checkpoint-N/</c> after step N, each complete or absent.</summary>
/// <param name="folder">The folder that outlives the attempt.</param>
/// <param name="limit">How many are kept.</param>
/// <param name="logger">Hears of saved and of unusable checkpoints.</param>
internal sealed class CheckpointFolder(string folder, int limit, ILogger logger)
{
    private const string Prefix = "checkpoint-";
    private const string TemporarySuffix = ".tmp";

    /// <summary>Writes a checkpoint under a temporary name, then renames it; older ones beyond the limit go.</summary>
    /// <param name="step">The step after which it is taken.</param>
    /// <param name="kept">The step of a checkpoint that stays whatever the limit is, if there is one.</param>
    /// <param name="write">Fills the folder that it is given.</param>
    /// <exception cref="AlpacaException">The disk is full or cannot be written to; the checkpoints before this one are still there.</exception>
    public void Save(int step, int? kept, Action<string> write)
    {
        var path = PathOf(step);
        var temporary = path + TemporarySuffix;
        try
        {
            DeleteIfPresent(temporary);
            Directory.CreateDirectory(temporary);
            write(temporary);
            foreach (var file in Directory.EnumerateFiles(temporary)) FlushToDisk(file);
            DeleteIfPresent(path);
            Rename.Folder(temporary, path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or AlpacaException { InnerException: IOException or UnauthorizedAccessException })
        {
            TryDelete(temporary);
            var before = Steps() is [var last, ..] ? $"the one after step {last} is kept and is where the next run goes on" : "there is none before it";
            var cause = (e is AlpacaException ? e.InnerException! : e).Message.TrimEnd('.');
            throw new AlpacaException($"The checkpoint after step {step} cannot be written to {path} ({cause}); {before}; free space on that disk and start again, or choose another folder.", e);
        }

        foreach (var old in Steps().Skip(limit).Where(old => old != kept)) DeleteIfPresent(PathOf(old));
        logger.LogInformation("Checkpoint after step {Step}: {Path}", step, path);
    }

    /// <summary>Reads the newest checkpoint that can be used; the others are named in the log and left alone.</summary>
    /// <typeparam name="T">What is read.</typeparam>
    /// <param name="read">Reads a checkpoint's folder, or throws <see cref="AlpacaException"/>; may be called several times.</param>
    /// <returns>What was read, or <see langword="null"/> when there is none to go on from.</returns>
    public T? LoadNewest<T>(Func<string, T> read)
        where T : class
    {
        // What a killed process was writing.
        foreach (var temporary in Directory.EnumerateDirectories(folder, Prefix + "*" + TemporarySuffix).ToList()) DeleteIfPresent(temporary);
        foreach (var step in Steps())
        {
            try
            {
                var value = read(PathOf(step));
                logger.LogInformation("Going on from {Path}", PathOf(step));
                return value;
            }
            catch (AlpacaException e)
            {
                logger.LogWarning("{Path} is not used: {Reason}", PathOf(step), e.Message);
            }
        }

        return null;
    }

    /// <summary>Deletes all checkpoints.</summary>
    public void Clear()
    {
        foreach (var step in Steps())
        {
            logger.LogInformation("{Path} is deleted, since the run starts anew", PathOf(step));
            DeleteIfPresent(PathOf(step));
        }
    }

    /// <summary>Where the checkpoint after a step is.</summary>
    public string PathOf(int step) => Path.Combine(folder, FormattableString.Invariant($"{Prefix}{step}"));

    /// <summary>The steps of the complete checkpoints, newest first.</summary>
    public IReadOnlyList<int> Steps() => [.. Directory.EnumerateDirectories(folder, Prefix + "*")
        .Select(path => int.TryParse(Path.GetFileName(path).AsSpan(Prefix.Length), NumberStyles.None, CultureInfo.InvariantCulture, out var step) ? step : -1)
        .Where(step => step >= 0)
        .OrderDescending()];

    private static void TryDelete(string path)
    {
        try
        {
            DeleteIfPresent(path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // It is deleted before the next attempt reads the folder.
        }
    }

    private static void DeleteIfPresent(string path)
    {
        if (Directory.Exists(path)) Directory.Delete(path, recursive: true);
    }

    private static void FlushToDisk(string file)
    {
        using var handle = File.OpenHandle(file, FileMode.Open, FileAccess.ReadWrite);
        RandomAccess.FlushToDisk(handle);
    }
}
