using Alpaca.Abstractions;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;

namespace Acme.ThrowsAtLoad;

/// <summary>Fails while it registers its stages.</summary>
public sealed class ThrowsAtLoadPlugin : IPlugin
{
    /// <inheritdoc />
    public void ConfigureServices(IServiceCollection services, IConfiguration configuration) => throw new AcmeLicenceException();
}

/// <summary>An exception of a type that only this plugin knows.</summary>
public sealed class AcmeLicenceException : Exception
{
    /// <summary>Creates the error.</summary>
    public AcmeLicenceException() : base("The Acme licence has expired.") { }

    /// <summary>Creates the error with a message.</summary>
    public AcmeLicenceException(string message) : base(message) { }

    /// <summary>Creates the error with a message and a cause.</summary>
    public AcmeLicenceException(string message, Exception innerException) : base(message, innerException) { }
}
