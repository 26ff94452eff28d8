using System.Globalization;

namespace Alpaca.Host;

/// <summary>What was accepted, by its digest, so that the folder is listed when it has changed and not for each file.</summary>
internal sealed class AcceptedDrops(DropFolder folder)
{
    private const int DigestCharacters = 64;

    // Half a digest is enough to find the name, which has all of it.
    private readonly Dictionary<UInt128, string> _names = [];
    private DropState? _listed;

    /// <summary>Lists the folder again if it may have changed.</summary>
    /// <param name="isAlone">Whether the caller keeps everybody else from accepting, and so must not miss what was accepted a moment ago: a folder's time tells only some milliseconds apart.</param>
    /// <exception cref="IOException">It cannot be read.</exception>
    public void Refresh(bool isAlone)
    {
        var state = DropFiles.StateOf(folder.Accepted);
        if (!isAlone && state == _listed) return;
        _names.Clear();
        foreach (var name in DropFiles.Names(folder.Accepted))
        {
            if (KeyOf(name) is { } key) _names.TryAdd(key, name);
        }

        _listed = state;
    }

    /// <summary>The name of the accepted file with the same content.</summary>
    public string? Find(string sha256) => KeyOf(sha256) is { } key && _names.TryGetValue(key, out var name) && name.StartsWith(sha256, StringComparison.Ordinal) ? name : null;

    /// <summary>Takes note of a file that was just accepted.</summary>
    public void Add(string name) => _names.TryAdd(KeyOf(name)!.Value, name);

    private static UInt128? KeyOf(string name)
        => name.Length >= DigestCharacters && UInt128.TryParse(name.AsSpan(0, DigestCharacters / 2), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var key) ? key : null;
}
