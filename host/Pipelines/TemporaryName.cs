using System.Collections.Concurrent;
using System.Globalization;
using System.Text.RegularExpressions;
using Alpaca.Formats;

namespace Alpaca.Host;

/// <summary>The names of folders that are not finished: hidden, beside the final one, with the number of the process that owns them and its machine.</summary>
internal static partial class TemporaryName
{
    // In a container a restarted service often has the number of the one that died, so our own number does not say that a folder is in use.
    private static readonly ConcurrentDictionary<string, bool> InUse = new();

    /// <summary><c>/x/model</c> becomes <c>/x/.model.partial-4711@machine</c>.</summary>
    public static string Partial(string final) => Beside(final, "partial");

    /// <summary>The name under which a folder waits while another takes its place.</summary>
    public static string Replaced(string final) => Beside(final, "replaced");

    /// <summary>Marks a folder as used by this process until the result is disposed.</summary>
    public static IDisposable Use(string folder)
    {
        if (!InUse.TryAdd(folder, true)) throw new InvalidOperationException($"{folder} is already being written.");
        return new Released(folder);
    }

    /// <summary>Removes what dead processes left in a folder. A folder that was moved aside and not replaced is moved back.</summary>
    /// <param name="parent">Where to look; need not exist.</param>
    /// <param name="onlyFor">Only leftovers of this final name; <see langword="null"/> for all.</param>
    /// <param name="elsewhere">
    /// Runs the removal of what another machine began, given its final name, if nobody is at that any more. By default it stays: nobody here can tell whether a process there is alive.
    /// </param>
    public static void RemoveLeftovers(string parent, string? onlyFor = null, Action<string, Action>? elsewhere = null)
    {
        if (!Directory.Exists(parent)) return;
        foreach (var folder in Directory.EnumerateDirectories(parent, ".*-*").ToList())
        {
            var match = Pattern().Match(Path.GetFileName(folder));
            var name = match.Groups["final"].Value;
            if (!match.Success || (onlyFor is not null && name != onlyFor)) continue;
            if (match.Groups["machine"].Value != Environment.MachineName) elsewhere?.Invoke(name, () => Remove(folder, match));
            else if (!IsOwned(folder, match.Groups["pid"].Value)) Remove(folder, match);
        }
    }

    private static void Remove(string folder, Match match)
    {
        var final = Path.Combine(Path.GetDirectoryName(folder)!, match.Groups["final"].Value);
        if (match.Groups["what"].Value == "replaced" && !Directory.Exists(final)) Rename.Folder(folder, final);
        else DurableFolder.TryDelete(folder);
    }

    private static bool IsOwned(string folder, string pid)
    {
        if (!int.TryParse(pid, NumberStyles.None, CultureInfo.InvariantCulture, out var id)) return true;
        return id == Environment.ProcessId ? InUse.ContainsKey(folder) : ProcessIdentity.IsNumberInUse(id);
    }

    private static string Beside(string final, string what) => Path.Combine(Path.GetDirectoryName(final)!, $".{Path.GetFileName(final)}.{what}-{Environment.ProcessId}@{Environment.MachineName}");

    [GeneratedRegex(@"^\.(?<final>.+)\.(?<what>partial|replaced)-(?<pid>\d+)@(?<machine>.+)$")]
    private static partial Regex Pattern();

    private sealed class Released(string folder) : IDisposable
    {
        public void Dispose() => InUse.TryRemove(folder, out _);
    }
}
