using Alpaca.Abstractions;

namespace Alpaca.Host;

/// <summary>The configuration section <c>Monitoring</c>.</summary>
/// <param name="OtlpEndpoint">Where traces and metrics are sent besides; <see langword="null"/> for nowhere. The default is the environment variable <c>OTEL_EXPORTER_OTLP_ENDPOINT</c>, else nowhere.</param>
internal sealed record MonitoringSettings(Uri? OtlpEndpoint)
{
    /// <summary>What holds where nothing is said: metrics are there for whoever asks, and are sent nowhere.</summary>
    public static readonly MonitoringSettings Default = new((Uri?)null);

    private const string Variable = "OTEL_EXPORTER_OTLP_ENDPOINT";

    /// <summary>Reads the section.</summary>
    /// <exception cref="AlpacaUsageException">A value cannot be used.</exception>
    public static MonitoringSettings Read(AlpacaSettings settings)
    {
        var section = new SectionReader(settings, "Monitoring");
        if ((section.Text(nameof(OtlpEndpoint)) ?? Environment.GetEnvironmentVariable(Variable)) is not { Length: > 0 } endpoint) return Default;
        return Uri.TryCreate(endpoint, UriKind.Absolute, out var uri) && (uri.Scheme == Uri.UriSchemeHttp || uri.Scheme == Uri.UriSchemeHttps)
            ? new MonitoringSettings(uri)
            : throw new AlpacaUsageException($"{section.KeyOf(nameof(OtlpEndpoint))} is '{endpoint}'; it must be an address such as http://127.0.0.1:4317.");
    }
}
