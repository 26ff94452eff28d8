using System.Diagnostics.Metrics;
using Microsoft.Extensions.DependencyInjection;

namespace Alpaca.Host.Tests;

/// <summary>Metrics that nobody listens to.</summary>
internal static class TestMetrics
{
    public static AlpacaMetrics Create() => new(new ServiceCollection().AddMetrics().BuildServiceProvider().GetRequiredService<IMeterFactory>());
}
