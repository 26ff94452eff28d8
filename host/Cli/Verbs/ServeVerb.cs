using System.CommandLine;

namespace Alpaca.Host;

/// <summary><c>alpaca serve</c>: the worker service.</summary>
internal static class ServeVerb
{
    public static Command Create(CommandContext context)
    {
        var command = new Command("serve", "Run the worker service: schedules and dropped files start pipelines (the default verb)");
        command.SetAction((parse, cancellationToken) => RunAsync(context, parse, cancellationToken));
        return command;
    }

    public static async Task<int> RunAsync(CommandContext context, ParseResult parse, CancellationToken cancellationToken)
    {
        await WorkerService.RunAsync(context.ReadSettings(parse), parse.GetValue(context.Options.Verbose), cancellationToken);
        return ExitCodes.Success;
    }
}
