namespace Alpaca.Host;

/// <summary>What a path in the configuration means.</summary>
/// <param name="BaseFolder">The folder against which relative paths are resolved: the configuration file's, or the current one when there is no file.</param>
/// <param name="ConfiguredWorkspace">The workspace of the configuration.</param>
/// <param name="Workspace">The workspace that is used: another one where the command line names one.</param>
public sealed record ConfiguredPaths(string BaseFolder, string ConfiguredWorkspace, string Workspace)
{
    /// <summary>Makes a path absolute. A relative one that leads into the configured workspace leads into the one that is used, so that a drop folder moves with its workspace.</summary>
    /// <param name="path">The path, as configured.</param>
    public string Resolve(string path)
    {
        var full = Path.GetFullPath(path, BaseFolder);
        // A workspace that holds the configuration too holds all that lies beside it: that stays.
        var stays = Path.IsPathRooted(path) || Workspace == ConfiguredWorkspace || Inside(BaseFolder) is not null;
        return !stays && Inside(full) is { } inside ? Path.GetFullPath(inside, Workspace) : full;
    }

    /// <summary>The way from the configured workspace to something in it; <see langword="null"/> for what is elsewhere.</summary>
    private string? Inside(string full)
    {
        var way = Path.GetRelativePath(ConfiguredWorkspace, full);
        return Path.IsPathRooted(way) || way.Split(Path.DirectorySeparatorChar)[0] == ".." ? null : way;
    }
}
