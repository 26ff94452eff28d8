using System.CommandLine;

namespace Alpaca.Host;

/// <summary><c>alpaca bench WHAT</c>: measures, and makes what is measured on.</summary>
internal static class BenchVerb
{
    public static Command Create(CommandContext context) => new("bench", "Measure speed and memory; `alpaca bench WHAT --help` lists the options")
    {
        BenchWeights.Create(context),
        BenchStage.CreateConvert(context),
        BenchStage.CreateMerge(context),
        BenchTokenizer.Create(context),
        BenchTrain.Create(context),
        BenchInference.Create(context),
        InferenceWorker.Create(context),
    };
}
