using Acme.Absent;
using Alpaca.Abstractions;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;

namespace Acme.MissingLibrary;

/// <summary>A plugin with a type whose base class is not there.</summary>
public sealed class MissingLibraryPlugin : IPlugin
{
    /// <inheritdoc />
    public void ConfigureServices(IServiceCollection services, IConfiguration configuration)
    {
    }
}

/// <summary>Cannot be loaded.</summary>
public sealed class Descendant : Ancestor;
