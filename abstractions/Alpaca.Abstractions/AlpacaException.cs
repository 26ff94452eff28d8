namespace Alpaca.Abstractions;

/// <summary>An error whose message is written for the person who gets it.</summary>
/// <remarks>
/// The message is one sentence: what is wrong, in which file or under which key, and what to do about it. The command line prints it without a stack trace
/// and exits with code 1. Throw it for everything a user can mend (a missing shard, a full disk, a vocabulary that does not fit); let programming errors be
/// what they are.
/// </remarks>
public class AlpacaException : Exception
{
    /// <summary>Creates the error.</summary>
    /// <param name="message">One sentence for the user.</param>
    public AlpacaException(string message) : base(message) { }

    /// <summary>Creates the error with its technical cause.</summary>
    /// <param name="message">One sentence for the user.</param>
    /// <param name="innerException">The cause, shown only when details are asked for.</param>
    public AlpacaException(string message, Exception? innerException) : base(message, innerException) { }

    /// <summary>Creates an error without a message; prefer the other constructors.</summary>
    public AlpacaException() { }

    /// <summary>Whether trying again later may help, with nothing changed by anybody: network, disk, a lock. The default is <see langword="false"/>.</summary>
    public bool IsTransient { get; init; }
}

/// <summary>A command or a configuration that cannot be run as it stands: an unknown option, a missing value, a key nobody reads. Exit code 2.</summary>
public class AlpacaUsageException : AlpacaException
{
    /// <summary>Creates the error.</summary>
    /// <param name="message">One sentence for the user, or several lines when several things are wrong at once.</param>
    public AlpacaUsageException(string message) : base(message) { }

    /// <summary>Creates the error with its technical cause.</summary>
    /// <param name="message">One sentence for the user.</param>
    /// <param name="innerException">The cause, shown only when details are asked for.</param>
    public AlpacaUsageException(string message, Exception? innerException) : base(message, innerException) { }

    /// <summary>Creates an error without a message; prefer the other constructors.</summary>
    public AlpacaUsageException() { }
}
