using System.Diagnostics;

namespace Alpaca.Training.Tests;

/// <summary>A file system of limited size, mounted over a folder.</summary>
internal sealed class SmallDisk : IDisposable
{
    private readonly string _path;

    public SmallDisk(string path, string size)
    {
        _path = path;
        Run("mount", $"-t tmpfs -o size={size} tmpfs {path}").Should().BeTrue();
    }

    public static bool CanMount { get; } = OperatingSystem.IsLinux() && Environment.IsPrivilegedProcess && TryMount();

    public void Resize(string size) => Run("mount", $"-o remount,size={size} {_path}").Should().BeTrue();

    public void Dispose() => Run("umount", _path);

    private static bool TryMount()
    {
        using var folder = new TemporaryFolder();
        return Run("mount", $"-t tmpfs -o size=1m tmpfs {folder.Path}") && Run("umount", folder.Path);
    }

    private static bool Run(string program, string arguments)
    {
        using var process = Process.Start(new ProcessStartInfo(program, arguments) { RedirectStandardError = true })!;
        process.WaitForExit();
        return process.ExitCode == 0;
    }
}

/// <summary>A fact that needs to mount a file system.</summary>
[AttributeUsage(AttributeTargets.Method)]
internal sealed class TmpfsFactAttribute : FactAttribute
{
    public TmpfsFactAttribute() => Skip = SmallDisk.CanMount ? null : "A small file system can only be mounted by root on Linux.";
}
