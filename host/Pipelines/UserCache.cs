namespace Alpaca.Host;

/// <summary>The user's folder for what can be made again.</summary>
internal static class UserCache
{
    /// <summary><c>$XDG_CACHE_HOME/alpaca</c>, by default <c>~/.cache/alpaca</c>; on Windows <c>%LOCALAPPDATA%\alpaca\cache</c>. <see langword="null"/> for a user without a home.</summary>
    public static string? Folder
    {
        get
        {
            if (OperatingSystem.IsWindows())
            {
                var local = Environment.GetFolderPath(Environment.SpecialFolder.LocalApplicationData);
                return local.Length > 0 ? Path.Combine(local, "alpaca", "cache") : null;
            }

            if (Environment.GetEnvironmentVariable("XDG_CACHE_HOME") is { Length: > 0 } caches) return Path.Combine(caches, "alpaca");
            var home = Environment.GetFolderPath(Environment.SpecialFolder.UserProfile);
            return home.Length > 0 ? Path.Combine(home, ".cache", "alpaca") : null;
        }
    }
}
