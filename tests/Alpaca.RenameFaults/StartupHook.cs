using System.Globalization;
using System.Runtime.InteropServices;
using Alpaca.Formats;

/// <summary>
/// Counts the renames of a service and its children together, in <c>$RENAME_FAULTS/renames.log</c>, from the time that <c>$RENAME_FAULTS/at</c> is there. That file says which moment kills them all:
/// the moments count from 1, two for each rename.
/// </summary>
internal static partial class StartupHook
{
    private const int SigKill = 9;

    private static string? _folder;

    /// <summary>Called by the runtime before the program's own start.</summary>
    public static void Initialize()
    {
        _folder = Environment.GetEnvironmentVariable("RENAME_FAULTS");
        if (_folder is not null) Rename.Observer = Observe;
    }

    private static void Observe(RenameMoment moment, string path, string newPath)
    {
        var at = Path.Combine(_folder!, "at");
        if (!File.Exists(at)) return;
        using var log = OpenAlone(Path.Combine(_folder!, "renames.log"));
        var number = 1;
        using (var reader = new StreamReader(log, leaveOpen: true))
        {
            while (reader.ReadLine() is not null) number++;
        }

        using (var writer = new StreamWriter(log, leaveOpen: true)) writer.WriteLine($"{moment} {path} -> {newPath}");
        log.Flush(flushToDisk: false);
        if (number == int.Parse(File.ReadAllText(at), CultureInfo.InvariantCulture)) _ = Kill(0, SigKill); // the whole process group
    }

    private static FileStream OpenAlone(string path)
    {
        while (true)
        {
            try
            {
                return new FileStream(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
            }
            catch (IOException)
            {
                Thread.Sleep(1); // The other process is at it.
            }
        }
    }

    [LibraryImport("libc", EntryPoint = "kill")]
    private static partial int Kill(int processId, int signal);
}
