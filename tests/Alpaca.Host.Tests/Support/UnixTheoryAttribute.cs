namespace Alpaca.Host.Tests;

/// <summary>A theory about signals or rights of files, which Windows has in another form.</summary>
[AttributeUsage(AttributeTargets.Method)]
internal sealed class UnixTheoryAttribute : TheoryAttribute
{
    public UnixTheoryAttribute()
    {
        if (OperatingSystem.IsWindows()) Skip = "Windows has no signals, and no rights of files of this form.";
    }
}
