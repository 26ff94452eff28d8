using System.Diagnostics;

namespace Alpaca.Formats.Tests;

/// <summary>A Python with PyTorch, where the machine has one.</summary>
internal static class Python
{
    private const string Interpreter = "/usr/bin/python3";

    public static string? SkipReason { get; } = HasTorch() ? null : $"{Interpreter} with PyTorch is not installed.";

    /// <summary>Runs a script and returns what it printed.</summary>
    public static string Run(string script, params string[] arguments)
    {
        var (exitCode, output, error) = Start(script, arguments);
        exitCode.Should().Be(0, error);
        return output.Trim();
    }

    /// <summary>Runs a script that lies in a file.</summary>
    public static string RunFile(string path, params string[] arguments) => Run("import runpy, sys; del sys.argv[0]; runpy.run_path(sys.argv[0], run_name='__main__')", [path, .. arguments]);

    /// <summary>The lines that a script without PyTorch prints, or <see langword="null"/> where there is no Python.</summary>
    public static string[]? List(string script, params string[] arguments) => File.Exists(Interpreter) ? Run(script, arguments).Split('\n') : null;

    private static bool HasTorch()
    {
        try
        {
            return File.Exists(Interpreter) && Start("import importlib.util, sys; sys.exit(importlib.util.find_spec('torch') is None)", []).ExitCode == 0;
        }
        catch (System.ComponentModel.Win32Exception)
        {
            return false;
        }
    }

    private static (int ExitCode, string Output, string Error) Start(string script, string[] arguments)
    {
        using var process = Process.Start(new ProcessStartInfo(Interpreter, ["-c", script, .. arguments]) { RedirectStandardOutput = true, RedirectStandardError = true })!;
        var error = process.StandardError.ReadToEndAsync();
        var output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        return (process.ExitCode, output, error.GetAwaiter().GetResult());
    }
}

/// <summary>A fact that needs PyTorch.</summary>
[AttributeUsage(AttributeTargets.Method)]
internal sealed class PyTorchFactAttribute : FactAttribute
{
    public PyTorchFactAttribute() => Skip = Python.SkipReason;
}

/// <summary>A theory that needs PyTorch.</summary>
[AttributeUsage(AttributeTargets.Method)]
internal sealed class PyTorchTheoryAttribute : TheoryAttribute
{
    public PyTorchTheoryAttribute() => Skip = Python.SkipReason;
}
