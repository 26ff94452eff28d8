namespace Alpaca.Host;

/// <summary>The exit codes of every verb.</summary>
public static class ExitCodes
{
    /// <summary>Done.</summary>
    public const int Success = 0;

    /// <summary>Failed; standard error says why.</summary>
    public const int Failure = 1;

    /// <summary>The command or the configuration cannot be run as it stands.</summary>
    public const int Usage = 2;

    /// <summary>Cancelled by Ctrl+C or SIGTERM.</summary>
    public const int Cancelled = 130;
}
