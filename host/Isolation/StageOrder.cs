using System.Text.Json.Nodes;
using Alpaca.Abstractions;
using Microsoft.Extensions.Logging;

namespace Alpaca.Host;

/// <summary>What a stage worker is to do: the first line on its standard input.</summary>
internal sealed record StageOrder
{
    /// <summary>A line after it that cancels the stage. The input's end does that too.</summary>
    public const string Cancel = "cancel";

    /// <summary>The stage's name.</summary>
    public required string Stage { get; init; }

    /// <summary>The request, as <see cref="RequestJson"/> writes it.</summary>
    public required JsonObject Request { get; init; }

    /// <summary><see cref="StageContext.OutputFolder"/>.</summary>
    public required string OutputFolder { get; init; }

    /// <summary><see cref="StageContext.ResumeFolder"/>.</summary>
    public required string ResumeFolder { get; init; }

    /// <summary><see cref="StageContext.CacheFolder"/>.</summary>
    public string? CacheFolder { get; init; }

    /// <summary>Where plugins are looked for.</summary>
    public required IReadOnlyList<string> PluginFolders { get; init; }

    /// <summary>The plugins that are not loaded.</summary>
    public required IReadOnlyList<string> DisabledPlugins { get; init; }

    /// <summary><see cref="AlpacaSettings.PluginDigests"/>.</summary>
    public IReadOnlyDictionary<string, string> PluginDigests { get; init; } = new Dictionary<string, string>();

    /// <summary><see cref="AlpacaSettings.TorchLibraryPath"/>.</summary>
    public string? TorchLibraryPath { get; init; }

    /// <summary>The configuration as it was when the service started, by full key; no secrets.</summary>
    public required IReadOnlyDictionary<string, string> Configuration { get; init; }

    /// <summary>The least level that is logged where <c>Logging</c> says nothing else.</summary>
    public LogLevel LogLevel { get; init; }

    /// <summary>How long the stage may go on writing its checkpoint when the service has died, in seconds.</summary>
    public double OrphanSeconds { get; init; }
}
