using System.CommandLine;

namespace Alpaca.Host;

/// <summary>The options that every verb takes, and <c>--json</c>, which some do.</summary>
internal sealed class GlobalOptions
{
    public Option<string?> Config { get; } = new("--config")
    {
        Description = "Configuration file [default: appsettings.json in the current folder, else beside the executable]",
        HelpName = "FILE",
        Recursive = true,
    };

    public Option<string?> Workspace { get; } = new("--workspace")
    {
        Description = "Folder of artifacts and run records [default: the configured one]",
        HelpName = "DIR",
        Recursive = true,
    };

    public Option<bool> Verbose { get; } = new("--verbose") { Description = "More log lines, and stack traces of errors", Recursive = true };

    public Option<bool> Json { get; } = new("--json") { Description = "One JSON document on standard output, and nothing else there" };
}
