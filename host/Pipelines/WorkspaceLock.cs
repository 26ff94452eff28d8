using System.Diagnostics;
using System.Globalization;
using System.Text;
using Alpaca.Abstractions;

namespace Alpaca.Host;

/// <summary>A lock that one run at a time holds in a workspace. The operating system releases it when the process ends, however that happens.</summary>
/// <remarks>The lock files stay: deleting one would let two runs lock two files of the same name.</remarks>
internal sealed class WorkspaceLock : IDisposable
{
    private static readonly TimeSpan Poll = TimeSpan.FromMilliseconds(200);
    private static readonly TimeSpan ShortPoll = TimeSpan.FromMilliseconds(5);

    // What is done under the registry's lock takes milliseconds; a minute means that its holder hangs or has been stopped.
    private static readonly TimeSpan RegistryPatience = TimeSpan.FromMinutes(1);

    private readonly FileStream _held;

    private WorkspaceLock(FileStream held) => _held = held;

    /// <summary>Takes the lock of a pipeline that is about to run.</summary>
    /// <exception cref="AlpacaException">The pipeline is running already, or the workspace cannot be written to.</exception>
    public static WorkspaceLock ForPipeline(string workspace, string pipeline)
        => TryAcquire(workspace, $"pipeline-{pipeline}", out var owner)
            ?? throw new AlpacaException($"Pipeline {pipeline} is already running in {workspace}, in process {owner}; wait for it or stop that process.");

    /// <summary>Takes the lock of a pipeline, after whoever runs it.</summary>
    public static Task<WorkspaceLock> ForPipelineAsync(string workspace, string pipeline, CancellationToken cancellationToken)
        => WaitAsync(() => TryForPipeline(workspace, pipeline), cancellationToken);

    /// <summary>Takes the lock of a pipeline, unless it is running.</summary>
    public static WorkspaceLock? TryForPipeline(string workspace, string pipeline) => TryAcquire(workspace, $"pipeline-{pipeline}", out _);

    /// <summary>Takes the lock of an artifact that is about to be made, after whoever makes the same one for another pipeline.</summary>
    /// <param name="workspace">The workspace.</param>
    /// <param name="fingerprint">The artifact's fingerprint.</param>
    /// <param name="cancellationToken">Ends the waiting.</param>
    public static Task<WorkspaceLock> ForArtifactAsync(string workspace, string fingerprint, CancellationToken cancellationToken)
        => WaitAsync(() => TryForArtifact(workspace, fingerprint), cancellationToken);

    /// <summary>Takes the lock of an artifact, unless somebody makes it.</summary>
    public static WorkspaceLock? TryForArtifact(string workspace, string fingerprint) => TryAcquire(workspace, $"artifact-{fingerprint}", out _);

    /// <summary>Takes the lock of a pipeline's registry, after whoever changes it. Held for milliseconds.</summary>
    /// <exception cref="AlpacaException">Somebody has held it for a minute, or the workspace cannot be written to.</exception>
    public static WorkspaceLock ForRegistry(string workspace, string pipeline)
    {
        var start = Stopwatch.GetTimestamp();
        while (true)
        {
            if (TryAcquire(workspace, $"registry-{pipeline}", out var owner) is { } acquired) return acquired;
            if (Stopwatch.GetElapsedTime(start) > RegistryPatience)
                throw new AlpacaException($"The registry of pipeline {pipeline} in {workspace} has been held for a minute by process {owner}; stop that process.");
            Thread.Sleep(ShortPoll);
        }
    }

    public void Dispose() => _held.Dispose();

    private static async Task<WorkspaceLock> WaitAsync(Func<WorkspaceLock?> tryAcquire, CancellationToken cancellationToken)
    {
        while (true)
        {
            if (tryAcquire() is { } acquired) return acquired;
            await Task.Delay(Poll, cancellationToken).ConfigureAwait(false);
        }
    }

    private static WorkspaceLock? TryAcquire(string workspace, string name, out string owner)
    {
        var folder = Path.Combine(workspace, "locks");
        var file = Path.Combine(folder, $"{name}.lock");

        // The number is kept beside the lock, because a locked file cannot be read.
        var ownerFile = Path.Combine(folder, $"{name}.pid");
        owner = "";
        try
        {
            Directory.CreateDirectory(folder);
            if (TryOpenAlone(file) is not { } held)
            {
                owner = ReadOwner(ownerFile);
                return null;
            }

            var acquired = new WorkspaceLock(held);
            try
            {
                using var writer = new FileStream(ownerFile, FileMode.Create, FileAccess.Write, FileShare.ReadWrite);
                writer.Write(Encoding.ASCII.GetBytes(Environment.ProcessId.ToString(CultureInfo.InvariantCulture)));
                return acquired;
            }
            catch
            {
                acquired.Dispose();
                throw;
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new AlpacaException($"The workspace {workspace} cannot be written to ({e.Message}); choose another one with --workspace.", e);
        }
    }

    /// <summary>Reads the number without keeping the next owner from writing its own.</summary>
    private static string ReadOwner(string file)
    {
        if (!File.Exists(file)) return "(unknown)";
        using var reader = new StreamReader(new FileStream(file, FileMode.Open, FileAccess.Read, FileShare.ReadWrite));
        return reader.ReadToEnd().Trim();
    }

    /// <summary>Opens a file that nobody else has open, or nothing when somebody has.</summary>
    internal static FileStream? TryOpenAlone(string file)
    {
        try
        {
            return new FileStream(file, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
        }
        catch (IOException e) when (IsSharingViolation(e.HResult))
        {
            return null;
        }
    }

    /// <summary>ERROR_SHARING_VIOLATION on Windows; elsewhere the plain number of EWOULDBLOCK, which differs between Linux and macOS.</summary>
    private static bool IsSharingViolation(int result)
        => OperatingSystem.IsWindows() ? result == unchecked((int)0x80070020) : result == (OperatingSystem.IsMacOS() ? 35 : 11);
}
