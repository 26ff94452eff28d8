using System.CommandLine;
using System.Diagnostics;
using Alpaca.Abstractions;

namespace Alpaca.Host;

/// <summary><c>alpaca bench inference-worker</c>, hidden: loads a model and does the turns that <see cref="BenchInference"/> asks for, through the same <see cref="ITextGenerator"/> as everybody.</summary>
/// <remarks>A process of its own for each run: ONNX Runtime's and libtorch's threads stay out of each other's way, and memory belongs to one of them.</remarks>
internal static class InferenceWorker
{
    private const string Name = "inference-worker";

    // Of a stream, before another one joins it.
    private const int TokensBeforeLast = 3;

    /// <summary>The arguments that start one.</summary>
    public static IReadOnlyList<string> Arguments(InferenceRun run, string model, InferenceBenchOptions options) =>
    [
        "bench", Name, "--backend", run.Backend, "--model", model, "--precision", run.LoadPrecision.ToString(), "--device", options.Device, "--threads", InferenceBenchOptions.Text(options.Threads),
        "--max-concurrency", InferenceBenchOptions.Text(options.MostStreams), .. options.Configuration is { } file ? (string[])["--config", file] : [],
    ];

    public static Command Create(CommandContext context)
    {
        var backend = new Option<string>("--backend") { Required = true };
        var model = new Option<string>("--model") { Required = true };
        var precision = new Option<Precision>("--precision");
        var device = new Option<string>("--device") { DefaultValueFactory = _ => "cpu" };
        var threads = new Option<int>("--threads");
        var concurrency = new Option<int>("--max-concurrency") { DefaultValueFactory = _ => 1 };
        var command = new Command(Name) { backend, model, precision, device, threads, concurrency };
        command.Hidden = true;
        command.SetAction(async (parse, cancellationToken) =>
        {
            await using var engine = context.StartEngine(parse);
            var options = new InferenceOptions
            {
                Device = parse.GetValue(device)!,
                Threads = parse.GetValue(threads),
                Precision = parse.GetValue(precision),
                MaxConcurrency = parse.GetValue(concurrency),
                ReusePrefixes = false, // A prompt that was seen before is to take as long as any other.
            };
            var started = Stopwatch.GetTimestamp();
            using var generator = await engine.Catalog.GetBackend(parse.GetValue(backend)!).LoadAsync(parse.GetValue(model)!, options, cancellationToken);
            context.Console.Out.WriteLine(InferenceProtocol.Write(new InferenceLoadFigures(Stopwatch.GetElapsedTime(started).TotalSeconds)));
            while (await context.Console.In.ReadLineAsync(cancellationToken) is { } line)
            {
                var figures = await RunAsync(generator, InferenceProtocol.Read<InferenceTurn>(line), cancellationToken);
                context.Console.Out.WriteLine(InferenceProtocol.Write(figures));
            }

            return ExitCodes.Success;
        });
        return command;
    }

    private static async Task<InferenceTurnFigures> RunAsync(ITextGenerator generator, InferenceTurn turn, CancellationToken cancellationToken)
    {
        var start = Stopwatch.GetTimestamp();
        var allDecode = new Countdown(turn.Prompts.Count, static () => GC.GetTotalAllocatedBytes(precise: true));
        var firstEnds = new Countdown(1, static () => GC.GetTotalAllocatedBytes(precise: true));
        var othersDecode = new Countdown(turn.Prompts.Count - 1, static () => 0);
        Stream[] streams = [.. turn.Prompts.Select((prompt, index) => new Stream(generator, prompt, OptionsOf(turn, index)))];
        var running = new Task[streams.Length];
        for (var i = 0; i < streams.Length; i++)
        {
            if (turn.Arrival == StreamArrival.LastWhileOthersDecode && i == streams.Length - 1) await othersDecode.Reached.WaitAsync(cancellationToken);
            var stream = streams[i];
            // On the thread pool, where a service's requests are too.
            running[i] = Task.Run(() => stream.RunAsync(allDecode, othersDecode, firstEnds, cancellationToken), cancellationToken);
            if (turn.Arrival == StreamArrival.OneByOne) await running[i];
        }

        await Task.WhenAll(running);
        var (from, to) = (streams.Max(s => s.Times[0]), streams.Min(s => s.Times[^1]));
        return new InferenceTurnFigures(
            [.. streams.Select(s => Stopwatch.GetElapsedTime(s.Start, s.Times[0]).TotalSeconds)],
            Stopwatch.GetElapsedTime(start, streams.Max(s => s.Times[^1])).TotalSeconds,
            Math.Max(0, Stopwatch.GetElapsedTime(from, to).TotalSeconds),
            streams.Sum(s => s.Times.Count(t => t > from && t <= to)),
            streams[0].Ids)
        {
            AllocatedBytes = turn.Arrival == StreamArrival.Together ? firstEnds.Value - allDecode.Value : null,
        };
    }

    private static GenerationOptions OptionsOf(InferenceTurn turn, int stream) => new GenerationOptions { MaxNewTokens = turn.NewTokens } with
    {
        Temperature = turn.IsGreedy ? 0 : new GenerationOptions().Temperature,
        Seed = turn.Seed + stream,
    };

    private sealed class Stream(ITextGenerator generator, int[] prompt, GenerationOptions options)
    {
        public long Start { get; private set; }

        public long[] Times { get; } = new long[options.MaxNewTokens];

        public int[] Ids { get; } = new int[options.MaxNewTokens];

        public async Task RunAsync(Countdown allDecode, Countdown othersDecode, Countdown firstEnds, CancellationToken cancellationToken)
        {
            var count = 0;
            Start = Stopwatch.GetTimestamp();
            await foreach (var token in generator.GenerateAsync(prompt, options, cancellationToken))
            {
                Ids[count] = token.Id;
                Times[count++] = Stopwatch.GetTimestamp();
                if (count == 1) allDecode.Signal();
                if (count == TokensBeforeLast) othersDecode.Signal();
                if (count == Times.Length) firstEnds.Signal();
            }

            if (count < Times.Length) throw new AlpacaException($"The model's context of {generator.ContextLength} ended after {count} of {Times.Length} tokens; lower --prefill or --decode.");
        }
    }

    /// <summary>Reads a counter at the moment when something has happened so many times.</summary>
    private sealed class Countdown(int count, Func<long> read)
    {
        private readonly TaskCompletionSource _reached = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private int _left = count;

        public Task Reached => _reached.Task;

        public long Value { get; private set; }

        public void Signal()
        {
            if (Interlocked.Decrement(ref _left) != 0) return;
            Value = read();
            _reached.SetResult();
        }
    }
}
