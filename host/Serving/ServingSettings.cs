using System.Net;
using Alpaca.Abstractions;

namespace Alpaca.Host;

/// <summary>The configuration section <c>Serving</c>: where the worker answers over HTTP, and whom.</summary>
public sealed record ServingSettings
{
    /// <summary>Where it listens unless something else is said: loopback, at the port of the original server.</summary>
    public const string DefaultUrl = "http://127.0.0.1:19327";

    /// <summary>No server.</summary>
    internal static ServingSettings Off { get; } = new() { Enabled = false };

    /// <summary>Whether there is a server. The default is <see langword="true"/>.</summary>
    public bool Enabled { get; private init; } = true;

    /// <summary>Where it listens. The default is <see cref="DefaultUrl"/>.</summary>
    public IReadOnlyList<string> Urls { get; private init; } = [DefaultUrl];

    /// <summary>The keys, one of which clients have to send; empty where everybody is answered, which is possible on loopback only. The default is none.</summary>
    public IReadOnlyList<string> ApiKeys { get; private init; } = [];

    /// <summary>Origins whose pages may call the API (CORS); <c>*</c> for all. The default is none.</summary>
    public IReadOnlyList<string> AllowedOrigins { get; private init; } = [];

    /// <summary>The largest body of a request, in bytes. The default is 4 MiB.</summary>
    public long MaxRequestBytes { get; private init; } = 4 << 20;

    /// <summary>How many requests may wait while the model is busy with as many as it runs at a time; one more is turned away. The default is 64.</summary>
    public int QueueLimit { get; private init; } = 64;

    /// <summary>How many requests a client, known by its key or else its address, may send a minute, bursts of that many included; one more is turned away with the time to wait. The default is 0: as many as it likes.</summary>
    public int RequestsPerMinute { get; private init; }

    /// <summary>Reads the section.</summary>
    /// <param name="settings">The configuration.</param>
    /// <param name="urls">Where to listen instead of <c>Serving:Urls</c>, separated by semicolons.</param>
    /// <exception cref="AlpacaUsageException">A value cannot be used; one line for each.</exception>
    public static ServingSettings Read(AlpacaSettings settings, string? urls = null)
    {
        ArgumentNullException.ThrowIfNull(settings);
        var errors = new List<string>();
        var section = new SectionReader(settings.Configuration.GetSection("Serving"), errors);
        var defaults = new ServingSettings();
        var read = new ServingSettings
        {
            Enabled = section.Flag("Enabled", defaults.Enabled) || urls is not null,
            Urls = urls is not null ? Split(urls) : section.Texts("Urls") is { Count: > 0 } configured ? [.. configured.SelectMany(Split)] : defaults.Urls,
            ApiKeys = [.. section.Texts("ApiKey"), .. KeysOfFile()],
            AllowedOrigins = section.Texts("AllowedOrigins"),
            MaxRequestBytes = Math.Min(Array.MaxLength - 1, section.Whole("MaxRequestBytes", defaults.MaxRequestBytes, 1024)),
            RequestsPerMinute = (int)Math.Min(int.MaxValue, section.Whole("RequestsPerMinute", (long)defaults.RequestsPerMinute, 0)),
            QueueLimit = (int)Math.Min(int.MaxValue / 2, section.Whole("QueueLimit", (long)defaults.QueueLimit, 0)),
        };
        if (read.Enabled) read.CheckUrls(urls is null ? "Serving:Urls" : "--urls", errors);
        return section.Checked(read);

        string[] KeysOfFile()
        {
            if (section.Text("ApiKeyFile") is not { } name) return [];
            var file = settings.Paths.Resolve(name);
            try
            {
                string[] keys = [.. File.ReadLines(file).Select(line => line.Trim()).Where(line => line.Length > 0 && line[0] != '#')];
                if (keys.Length == 0) section.Report("ApiKeyFile", $"is {file}, in which there is no key; write one on a line of its own.");
                return keys;
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                section.Report("ApiKeyFile", $"is {file}, which cannot be read: {e.Message}");
                return [];
            }
        }
    }

    private static string[] Split(string urls) => urls.Split(';', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);

    private void CheckUrls(string key, List<string> errors)
    {
        if (Urls.Count == 0) errors.Add($"{key} is empty; the default is {DefaultUrl}.");
        foreach (var url in Urls)
        {
            // The hosts * and + mean every address of the machine.
            if (!Uri.TryCreate(url.Replace("//*", "//0.0.0.0", StringComparison.Ordinal).Replace("//+", "//0.0.0.0", StringComparison.Ordinal), UriKind.Absolute, out var uri) || uri.Scheme != Uri.UriSchemeHttp || uri.AbsolutePath != "/")
                errors.Add($"{key} has '{url}'; it must look like {DefaultUrl}. For https, put a reverse proxy in front.");
            else if (ApiKeys.Count == 0 && !IsLoopback(uri.Host))
                errors.Add($"{key} has {url}, which other machines can reach, but there is no API key; set Serving:ApiKeyFile (or ALPACA_Serving__ApiKey), or listen at {DefaultUrl}.");
        }
    }

    /// <summary>Whether a host, as an address or a request names it, is this machine's loopback.</summary>
    internal static bool IsLoopback(string host)
        => host.Equals("localhost", StringComparison.OrdinalIgnoreCase) || (IPAddress.TryParse(host.Trim('[', ']'), out var address) && IPAddress.IsLoopback(address));
}
