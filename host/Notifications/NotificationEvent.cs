namespace Alpaca.Host;

/// <summary>What webhooks can be told of.</summary>
public enum NotificationEvent
{
    /// <summary>A run of a pipeline has succeeded.</summary>
    Succeeded,

    /// <summary>A run of a pipeline has failed, or could not be started.</summary>
    Failed,

    /// <summary>A version failed a rule, or could not be served after its promotion.</summary>
    Rejected,

    /// <summary>A version has become the champion.</summary>
    Promoted,

    /// <summary>An earlier version is the champion again.</summary>
    RolledBack,
}
