namespace Alpaca.Host.Tests;

/// <summary>A fact that wants a program of the system, and is skipped where it is not installed.</summary>
[AttributeUsage(AttributeTargets.Method)]
internal sealed class ToolFactAttribute : FactAttribute
{
    /// <param name="tool">The program's name.</param>
    public ToolFactAttribute(string tool)
    {
        Tool = tool;
        var folders = (Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator, StringSplitOptions.RemoveEmptyEntries);
        if (OperatingSystem.IsWindows() || !folders.Any(folder => File.Exists(Path.Combine(folder, tool)))) Skip = $"{tool} is not installed.";
    }

    public string Tool { get; }
}
