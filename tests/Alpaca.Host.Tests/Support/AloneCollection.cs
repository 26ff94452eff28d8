namespace Alpaca.Host.Tests;

/// <summary>Tests that measure the process, and run when nothing else does.</summary>
[CollectionDefinition(Name, DisableParallelization = true)]
public sealed class AloneCollection
{
    public const string Name = "Alone";
}
