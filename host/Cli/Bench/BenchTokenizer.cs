using System.CommandLine;
using System.Text;
using Alpaca.Abstractions;
using Alpaca.Text;

namespace Alpaca.Host;

/// <summary><c>alpaca bench tokenizer</c>: encoding against the SentencePiece library, in turns, and what texts without a space take.</summary>
/// <remarks>Both time themselves after a warm-up, with the texts in memory: no start of a process and no file is in the figures.</remarks>
internal static class BenchTokenizer
{
    private static readonly TimeSpan WarmUp = TimeSpan.FromSeconds(1), TurnLength = TimeSpan.FromMilliseconds(60);

    public static Command Create(CommandContext context)
    {
        var tokenizer = new Option<string>("--tokenizer") { Description = "Folder with tokenizer.model, or the file", HelpName = "DIR", Required = true };
        var data = new Option<string[]>("--data-file") { Description = "Texts, as lines or as JSON; may be repeated [default: the sample's instruction data]", HelpName = "FILE" };
        var repetitions = new Option<int?>("--repetitions") { Description = "How many turns [default: 20]", HelpName = "N" };
        var threads = new Option<int?>("--threads") { Description = "Threads of a batch [default: 2]", HelpName = "N" };
        var largest = new Option<double?>("--without-spaces") { Description = "Also encode texts without a space, of an eighth, a quarter, half and all of so many MB", HelpName = "MB" };
        var command = new Command("tokenizer", "Encode texts, in turns with the SentencePiece library where g++ and libsentencepiece-dev are installed") { tokenizer, data };
        command.AddNumber(repetitions, 1);
        command.AddNumber(threads, 1);
        command.AddNumber(largest, 0.01, 1000);
        command.Add(context.Options.Json);
        command.SetAction(async (parse, cancellationToken) =>
        {
            var path = parse.GetRequiredValue(tokenizer);
            var files = parse.GetValue(data) is { Length: > 0 } named ? named : BenchTexts.SampleFiles;
            var bench = new Bench(context.Console, LlamaTokenizer.Load(path), [.. files.SelectMany(BenchTexts.Read)], parse.GetValue(threads) ?? 2);
            List<BenchResult> results = [.. await bench.CompareAsync(parse.GetValue(repetitions) ?? 20, cancellationToken)];
            if (parse.GetValue(largest) is { } megabytes) results.AddRange(bench.Grow(megabytes, cancellationToken));
            new BenchReport("tokenizer", results).Write(context.Console, parse.GetValue(context.Options.Json));
            return ExitCodes.Success;
        });
        return command;
    }

    private sealed class Bench(CommandConsole console, LlamaTokenizer tokenizer, IReadOnlyList<string> texts, int threads)
    {
        private readonly List<int> _list = [];
        private readonly int[] _memory = new int[(3 * texts.Max(text => text.Length)) + 3];

        public async Task<IReadOnlyList<BenchResult>> CompareAsync(int repetitions, CancellationToken cancellationToken)
        {
            var folder = Directory.CreateTempSubdirectory("alpaca-bench-").FullName;
            try
            {
                using var peer = await StartPeerAsync(folder, cancellationToken);
                return Compare(peer, repetitions, cancellationToken);
            }
            finally
            {
                DurableFolder.TryDelete(folder);
            }
        }

        /// <summary>Times texts of growing size that have no space to begin anew at.</summary>
        public IEnumerable<BenchResult> Grow(double megabytes, CancellationToken cancellationToken)
        {
            var joined = string.Concat(texts.Select(text => string.Concat(text.Where(c => !char.IsWhiteSpace(c)))));
            foreach (var (name, unit) in ((string, string)[])[("the texts joined", joined), ("one letter", "a"), ("one Chinese character", "的"), ("two letters in turns", "ab")])
            {
                if (unit.Length == 0) continue;
                Count(Repeat(unit, 1 << 18)); // the first one pays for compilation
                List<(double Megabytes, double Seconds)> points = [];
                foreach (var size in (double[])[megabytes / 8, megabytes / 4, megabytes / 2, megabytes])
                {
                    cancellationToken.ThrowIfCancellationRequested();
                    var text = Repeat(unit, (int)(size * 1e6 * unit.Length / Encoding.UTF8.GetByteCount(unit)));
                    var (tokens, seconds, allocated) = Count(text);
                    points.Add((size, seconds));
                    console.Error.WriteLine($"{name}, {size} MB: {seconds:0.000} s");
                    yield return new BenchResult($"{name}, {size} MB", seconds, 0, "s");
                    if (size == megabytes)
                    {
                        yield return new BenchResult($"{name}, tokens", tokens, 0, "");
                        yield return new BenchResult($"{name}, memory", allocated / (double)text.Length, 0, "bytes a character");
                    }
                }

                yield return new BenchResult($"{name}, growth", Exponent(points), 0, "exponent");
            }
        }

        private async Task<SentencePiecePeer?> StartPeerAsync(string folder, CancellationToken cancellationToken)
        {
            try
            {
                return await SentencePiecePeer.StartAsync(tokenizer.Model.Name, texts, folder, cancellationToken);
            }
            catch (AlpacaException e)
            {
                console.Error.WriteLine(e.Message);
                return null;
            }
        }

        private List<BenchResult> Compare(SentencePiecePeer? peer, int repetitions, CancellationToken cancellationToken)
        {
            var tokens = texts.Sum(text => (long)tokenizer.Encode(text).Count);
            var megabytes = texts.Sum(text => (long)Encoding.UTF8.GetByteCount(text)) / 1e6;
            List<Contender> contenders = [new("list", Rounds(EncodeIntoList)), new("memory", Rounds(EncodeIntoMemory)), new($"batch, {threads} threads", Rounds(EncodeBatch))];
            if (peer is not null)
            {
                ThrowIfDifferent(peer.Encode());
                contenders.Insert(0, new Contender("SentencePiece", peer.Time));
            }

            foreach (var contender in contenders) contender.Prepare(WarmUp, TurnLength);
            for (var i = 0; i < repetitions; i++)
            {
                cancellationToken.ThrowIfCancellationRequested();
                foreach (var contender in contenders) contender.TakeTurn();
            }

            List<BenchResult> results = [new("texts", texts.Count, 0, ""), new("size", megabytes, 0, "MB"), new("tokens", tokens, 0, "")];
            foreach (var contender in contenders)
            {
                results.Add(BenchResult.Of(contender.Name, "tokens/s", [.. contender.Seconds.Select(s => tokens / s)]));
                results.Add(BenchResult.Of(contender.Name, "MB/s", [.. contender.Seconds.Select(s => megabytes / s)]));
            }

            var (list, memory, batch) = (contenders[^3], contenders[^2], contenders[^1]);
            if (peer is not null)
            {
                results.AddRange(Ratios(list, contenders[0]));
                results.AddRange(Ratios(memory, contenders[0]));
            }

            results.AddRange(Ratios(batch, list));
            // What other programs take from the threads does not show here: below 1.11 they are 1.8 times as fast on two processors of their own.
            results.Add(BenchResult.Of($"{batch.Name}, processor time", "of a list's", [.. batch.ProcessorSeconds.Zip(list.ProcessorSeconds, (b, l) => b / l)]));
            return results;
        }

        private void ThrowIfDifferent(int[][] expected)
        {
            for (var i = 0; i < texts.Count; i++)
            {
                if (!tokenizer.Encode(texts[i]).SequenceEqual(expected[i]))
                    throw new AlpacaException($"Text {i + 1} has other ids than SentencePiece gives it with {tokenizer.Model.Name}: '{texts[i]}'; speed means nothing then, report it.");
            }
        }

        // Rates are ratios of times, turn by turn: what disturbs one turn disturbs both sides.
        private static IEnumerable<BenchResult> Ratios(Contender fast, Contender slow)
        {
            var ratios = fast.Seconds.Zip(slow.Seconds, (f, s) => s / f).Order().ToArray();
            yield return BenchResult.Of($"{fast.Name} against {slow.Name}", "times as fast", ratios);
            yield return new BenchResult($"{fast.Name} against {slow.Name}, median", (ratios[(ratios.Length - 1) / 2] + ratios[ratios.Length / 2]) / 2, 0, "times as fast");
        }

        private static Func<int, TimeSpan> Rounds(Action encode) => rounds =>
        {
            var started = TimeProvider.System.GetTimestamp();
            for (var i = 0; i < rounds; i++) encode();
            return TimeProvider.System.GetElapsedTime(started) / rounds;
        };

        private void EncodeIntoList()
        {
            foreach (var text in texts)
            {
                _list.Clear();
                tokenizer.Encode(text, _list);
            }
        }

        private void EncodeIntoMemory()
        {
            foreach (var text in texts) tokenizer.TryEncode(text, _memory, out _);
        }

        private void EncodeBatch() => tokenizer.EncodeBatch(texts, threads);

        private (int Tokens, double Seconds, long Allocated) Count(string text)
        {
            var allocated = GC.GetAllocatedBytesForCurrentThread();
            var started = TimeProvider.System.GetTimestamp();
            var tokens = tokenizer.CountTokens(text);
            return (tokens, TimeProvider.System.GetElapsedTime(started).TotalSeconds, GC.GetAllocatedBytesForCurrentThread() - allocated);
        }

        private static string Repeat(string unit, int length) => string.Create(length, unit, static (text, unit) =>
        {
            for (var i = 0; i < text.Length; i += unit.Length) unit.AsSpan(0, Math.Min(unit.Length, text.Length - i)).CopyTo(text[i..]);
        });

        // The slope of a straight line through the logarithms.
        private static double Exponent(IReadOnlyList<(double Size, double Seconds)> points)
        {
            var (x, y) = (points.Select(p => Math.Log(p.Size)).ToArray(), points.Select(p => Math.Log(p.Seconds)).ToArray());
            var (meanX, meanY) = (x.Average(), y.Average());
            return x.Zip(y, (a, b) => (a - meanX) * (b - meanY)).Sum() / x.Sum(a => (a - meanX) * (a - meanX));
        }
    }

    /// <summary>One of those that take turns.</summary>
    /// <param name="Name">What it is called.</param>
    /// <param name="Time">Encodes all texts so many times and says how long one time took.</param>
    private sealed record Contender(string Name, Func<int, TimeSpan> Time)
    {
        private int _rounds = 1;

        /// <summary>The seconds that all texts took in each turn.</summary>
        public List<double> Seconds { get; } = [];

        /// <summary>The processor time of this process that went by in each turn, in seconds and for all texts once.</summary>
        public List<double> ProcessorSeconds { get; } = [];

        public void Prepare(TimeSpan warmUp, TimeSpan turnLength)
        {
            for (TimeSpan spent = default; spent < warmUp;)
            {
                var once = Time(_rounds);
                spent += once * _rounds;
                _rounds = Math.Clamp((int)(turnLength / once), 1, 1_000_000);
            }
        }

        public void TakeTurn()
        {
            var started = Environment.CpuUsage.TotalTime;
            Seconds.Add(Time(_rounds).TotalSeconds);
            ProcessorSeconds.Add((Environment.CpuUsage.TotalTime - started).TotalSeconds / _rounds);
        }
    }
}
