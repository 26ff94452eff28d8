namespace Alpaca.Host;

/// <summary>What lies in a folder under a name.</summary>
internal enum DropKind
{
    File,
    Folder,

    /// <summary>A symbolic link, whatever it leads to.</summary>
    Link,

    /// <summary>A pipe, a socket or a device.</summary>
    Special,
}

/// <summary>How something in a folder looks, without looking through links or into it. It has changed when any of this has.</summary>
/// <param name="Kind">What it is.</param>
/// <param name="Identity">Its number in the file system, so that another file under the same name is told apart; 0 where the system has none.</param>
/// <param name="Size">Bytes.</param>
/// <param name="Modified">When its content was changed, in whatever unit the system has; only compared with itself, never with a clock.</param>
/// <param name="Changed">When anything about it was changed, likewise.</param>
internal readonly record struct DropState(DropKind Kind, ulong Identity, long Size, long Modified, long Changed);
