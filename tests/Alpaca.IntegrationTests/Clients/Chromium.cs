using Microsoft.Playwright;

namespace Alpaca.IntegrationTests;

/// <summary>Debian's Chromium, or the one that ALPACA_CHROMIUM names. Tests that need it are skipped where it is absent.</summary>
internal static class Chromium
{
    private static readonly string Executable = Environment.GetEnvironmentVariable("ALPACA_CHROMIUM") is { Length: > 0 } file ? file : "/usr/bin/chromium";

    public static string? SkipReason => File.Exists(Executable) ? null : $"There is no Chromium at {Executable}; `apt-get install chromium`, or name another with ALPACA_CHROMIUM.";

    public static Task<IBrowser> StartAsync(IPlaywright playwright) => playwright.Chromium.LaunchAsync(new BrowserTypeLaunchOptions
    {
        ExecutablePath = Executable,
        Timeout = 180_000,
        Args = ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"], // the sandbox does not start for root
    });
}

/// <summary>A fact that needs <see cref="Chromium"/>.</summary>
[AttributeUsage(AttributeTargets.Method)]
internal sealed class BrowserFactAttribute : FactAttribute
{
    public BrowserFactAttribute() => Skip = Chromium.SkipReason;
}
