using System.CommandLine;

namespace Alpaca.Host;

/// <summary><c>alpaca serve</c>: the worker service.</summary>
internal static class ServeVerb
{
    public static Command Create(CommandContext context)
    {
        var urls = new Option<string?>("--urls")
        {
            Description = $"Where the server listens, separated by semicolons [default: Serving:Urls, else {ServingSettings.DefaultUrl}]",
            HelpName = "URLS",
        };
        var command = new Command("serve", "Run the worker service: schedules and dropped files start pipelines, and the model answers over HTTP (the default verb)") { urls };
        command.SetAction((parse, cancellationToken) => RunAsync(context, parse, parse.GetValue(urls), cancellationToken));
        return command;
    }

    public static async Task<int> RunAsync(CommandContext context, ParseResult parse, string? urls, CancellationToken cancellationToken)
    {
        await WorkerService.RunAsync(context.ReadSettings(parse), parse.GetValue(context.Options.Verbose), urls, cancellationToken);
        return ExitCodes.Success;
    }
}
