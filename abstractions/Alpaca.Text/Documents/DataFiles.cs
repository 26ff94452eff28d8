namespace Alpaca.Text;

/// <summary>Finds the files of data.</summary>
internal static class DataFiles
{
    /// <summary>The files, in the order of the paths and, within a folder, in ordinal order of their names; sub-folders are not looked into.</summary>
    /// <param name="filesOrFolders">Files, which are taken as they are named, and folders.</param>
    /// <param name="extensions">The extensions that count in a folder, with their dots.</param>
    /// <param name="emptyFolders">Gets the folders without such files.</param>
    public static IReadOnlyList<string> Find(IEnumerable<string> filesOrFolders, IReadOnlyList<string> extensions, ICollection<string> emptyFolders)
    {
        var found = new List<string>();
        foreach (var path in filesOrFolders)
        {
            if (!Directory.Exists(path))
            {
                found.Add(path);
                continue;
            }
            var before = found.Count;
            found.AddRange(Directory.EnumerateFiles(path).Where(file => extensions.Contains(Path.GetExtension(file), StringComparer.OrdinalIgnoreCase)).Order(StringComparer.Ordinal));
            if (found.Count == before) emptyFolders.Add(path);
        }
        return found;
    }
}
