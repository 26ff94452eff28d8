using Alpaca.Abstractions;

namespace Acme.WrongContract;

/// <summary>Built against contracts of the next major version.</summary>
public sealed class WrongContractPlugin : IPlugin
{
    /// <inheritdoc />
    public void Start()
    {
    }
}
