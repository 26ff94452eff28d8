namespace Alpaca.Host.Tests;

/// <summary>A fact about links, pipes and names that Windows has not.</summary>
[AttributeUsage(AttributeTargets.Method)]
internal sealed class UnixFactAttribute : FactAttribute
{
    /// <summary>Whether it needs to be root, say to mount a disk.</summary>
    public bool IsForRoot { get; init; }

    /// <summary>Whether it needs not to be root, say to be refused something.</summary>
    public bool IsForOthers { get; init; }

    public override string? Skip
    {
        get => OperatingSystem.IsWindows() ? "Windows has nothing of the kind."
            : IsForRoot && !Environment.IsPrivilegedProcess ? "Only root may do that."
            : IsForOthers && Environment.IsPrivilegedProcess ? "Root may do everything."
            : null;
        set { }
    }
}
