using System.Globalization;
using Alpaca.Abstractions;

namespace Alpaca.Host;

/// <summary>Lets one process at a time run a pipeline in a workspace. The operating system releases it when the process ends, however that happens.</summary>
internal sealed class PipelineLock : IDisposable
{
    private readonly FileStream _held;

    private PipelineLock(FileStream held) => _held = held;

    /// <exception cref="AlpacaException">The pipeline is running already, or the workspace cannot be written to.</exception>
    public static PipelineLock Acquire(string workspace, string pipeline)
    {
        var folder = Path.Combine(workspace, "locks");
        var file = Path.Combine(folder, $"{pipeline}.lock");

        // The number is kept beside the lock, because a locked file cannot be read.
        var owner = Path.Combine(folder, $"{pipeline}.pid");
        try
        {
            Directory.CreateDirectory(folder);
            var held = new FileStream(file, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
            File.WriteAllText(owner, Environment.ProcessId.ToString(CultureInfo.InvariantCulture));
            return new PipelineLock(held);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            if (IsHeld(file)) throw new AlpacaException($"Pipeline {pipeline} is already running in {workspace}, in process {OwnerIn(owner)}; wait for it or stop that process.", e);
            throw new AlpacaException($"The workspace {workspace} cannot be written to ({e.Message}); choose another one with --workspace.", e);
        }
    }

    public void Dispose() => _held.Dispose();

    /// <summary>A file that is there and may be written, and yet cannot be opened, is locked.</summary>
    private static bool IsHeld(string file)
    {
        try
        {
            using var probe = new FileStream(file, FileMode.Open, FileAccess.ReadWrite, FileShare.None);
            return false;
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException or UnauthorizedAccessException)
        {
            return false;
        }
        catch (IOException)
        {
            return File.Exists(file);
        }
    }

    private static string OwnerIn(string file)
    {
        try
        {
            return File.ReadAllText(file).Trim();
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return "(unknown)";
        }
    }
}
