namespace Alpaca.Host;

/// <summary>What started a run, as its record says.</summary>
internal static class RunTriggers
{
    public const string Schedule = "schedule";
    public const string Startup = "startup";
    public const string Drop = "drop";
    public const string Manual = "manual";
}
