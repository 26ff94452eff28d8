using System.CommandLine;

namespace Alpaca.Host;

/// <summary><c>alpaca stage-worker</c>, hidden: one stage in a process of its own (<see cref="StageWorker"/>).</summary>
internal static class StageWorkerVerb
{
    public const string Name = "stage-worker";

    public static Command Create(CommandContext context)
    {
        var command = new Command(Name) { Hidden = true };
        command.SetAction(async (_, cancellationToken) =>
        {
            using var output = WorkerOutput.OfProcess();
            return await StageWorker.RunAsync(context.Console.In, output, cancellationToken);
        });
        return command;
    }
}
