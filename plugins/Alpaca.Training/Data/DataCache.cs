using Alpaca.Abstractions;
using Alpaca.Formats;
using Microsoft.Extensions.Logging;

namespace Alpaca.Training;

/// <summary>Tokenised data on the disk, each under a key of all that it is made from.</summary>
/// <remarks>
/// <para>An entry appears by a rename, whole or not at all, so that several processes may write the same one. A damaged entry is made anew. What goes wrong with the cache costs time,
/// never the run.</para>
/// <para>After each write the entries that were not used for 30 days go, and then the longest unused until 20 GiB are left.</para>
/// </remarks>
internal sealed class DataCache
{
    /// <summary>The word that turns the cache off.</summary>
    public const string Off = "none";

    private const string Extension = ".tokens";
    private const string PartialExtension = ".partial";
    private const long LargestTotal = 20L << 30;

    private static readonly TimeSpan LongestUnused = TimeSpan.FromDays(30);
    private static readonly TimeSpan LongestWrite = TimeSpan.FromDays(1);

    private readonly string? _folder;
    private readonly StageContext? _context;

    private DataCache(string? folder, StageContext? context) => (_folder, _context) = (folder, context);

    /// <summary>The cache of a run: where the request says, else where the context says, else none.</summary>
    public static DataCache Of(TrainingRequest request, StageContext? context)
    {
        var isOff = string.Equals(request.DataCacheDir, Off, StringComparison.OrdinalIgnoreCase);
        var folder = request.DataCacheDir ?? (context?.CacheFolder is { } cache ? Path.Combine(cache, "data") : null);
        return new DataCache(context is null || isOff ? null : folder, context);
    }

    /// <summary>Takes data from the cache, or encodes it and keeps it there.</summary>
    /// <param name="source">What the data is made from.</param>
    /// <param name="encode">Makes it.</param>
    /// <param name="cancellationToken">Ends the reading early.</param>
    public EncodedData GetOrEncode(DataSource source, Func<EncodedData> encode, CancellationToken cancellationToken)
    {
        if (_folder is null || _context is null || source.Key(_context.Progress, cancellationToken) is not { } key) return encode();
        var path = Path.Combine(_folder, key + Extension);
        if (TryRead(path, source.Purpose) is { } cached) return cached;

        var encoded = encode();
        // Files that changed while they were read are of no key.
        if (source.Key(_context.Progress, cancellationToken) == key) TryWrite(path, encoded);
        return encoded;
    }

    private EncodedData? TryRead(string path, string purpose)
    {
        if (!File.Exists(path)) return null;
        try
        {
            var data = EncodedDataFile.Read(path);
            File.SetLastWriteTimeUtc(path, Now);
            _context!.Logger.LogInformation("{Purpose} data: {Samples:N0} samples from the cache {Path}", purpose, data.Samples.Count, path);
            return data;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or InvalidDataException)
        {
            _context!.Logger.LogWarning("The cached {Purpose} data {Path} cannot be used ({Error}); it is made anew", purpose, path, e.Message);
            return null;
        }
    }

    private void TryWrite(string path, EncodedData data)
    {
        var partial = Path.Combine(_folder!, $".{Guid.NewGuid():n}{PartialExtension}");
        try
        {
            CreateFolder();
            EncodedDataFile.Write(partial, data);
            File.SetLastWriteTimeUtc(partial, Now);
            Rename.File(partial, path, overwrite: true);
            RemoveOld(path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            _context!.Logger.LogWarning("Tokenised data cannot be kept in {Folder} ({Error}); it is made anew next time, or set DataCacheDir to another folder", _folder, e.Message);
            TryDelete(partial);
        }
    }

    private DateTime Now => _context!.TimeProvider.GetUtcNow().UtcDateTime;

    // What was trained on is for its owner's eyes.
    private void CreateFolder()
    {
        if (OperatingSystem.IsWindows()) Directory.CreateDirectory(_folder!);
        else Directory.CreateDirectory(_folder!, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
    }

    private void RemoveOld(string justWritten)
    {
        var files = new DirectoryInfo(_folder!).GetFiles();
        foreach (var partial in files.Where(file => file.Extension == PartialExtension && Now - file.LastWriteTimeUtc > LongestWrite)) TryDelete(partial.FullName);
        var total = 0L;
        foreach (var entry in files.Where(file => file.Extension == Extension).OrderByDescending(file => file.FullName == justWritten).ThenByDescending(file => file.LastWriteTimeUtc))
        {
            total += entry.Length;
            if (entry.FullName != justWritten && (total > LargestTotal || Now - entry.LastWriteTimeUtc > LongestUnused)) TryDelete(entry.FullName);
        }
    }

    private static void TryDelete(string path)
    {
        try
        {
            File.Delete(path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // Somebody else reads it or was faster; the next write tries again.
        }
    }
}
