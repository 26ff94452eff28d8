using Alpaca.Abstractions;

namespace Alpaca.Host;

/// <summary>A backend with a precision, as <c>--runs</c> names it.</summary>
/// <param name="Backend">The backend's name.</param>
/// <param name="Precision">Of the weights.</param>
/// <param name="BlockSize">Weights that share a scale, in an export to int8 or int4; <see langword="null"/> for the export's default.</param>
internal sealed record InferenceRun(string Backend, Precision Precision, int? BlockSize = null)
{
    private static readonly int[] BlockSizes = [16, 32, 64, 128, 256];

    /// <summary>How it is called: <c>onnx:int4</c>, or <c>onnx:int4:128</c> with blocks of 128.</summary>
    public string Name => (BlockSize is { } size ? $"{Backend}:{Precision}:{InferenceBenchOptions.Text(size)}" : $"{Backend}:{Precision}").ToLowerInvariant();

    /// <summary>Whether the backend runs what the export stage makes, in which the precision is decided then.</summary>
    public bool NeedsExport => Backend.Equals("onnx", StringComparison.OrdinalIgnoreCase);

    /// <summary>The precision to load with.</summary>
    public Precision LoadPrecision => NeedsExport ? Precision.Fp32 : Precision;

    /// <summary>Reads <c>torch:fp32,onnx:int4,onnx:int4:128</c>.</summary>
    /// <param name="names">The names.</param>
    /// <param name="runs">The runs.</param>
    /// <returns>What is wrong, or <see langword="null"/>.</returns>
    public static string? TryParse(string names, out IReadOnlyList<InferenceRun> runs)
    {
        var read = new List<InferenceRun>();
        runs = read;
        foreach (var name in names.Split(',', StringSplitOptions.TrimEntries))
        {
            if (name.Split(':') is not [{ Length: > 0 } backend, var precision, .. var rest] || rest.Length > 1 || int.TryParse(precision, out _) || !Enum.TryParse<Precision>(precision, ignoreCase: true, out var value))
                return $"'{name}' is not a run; write BACKEND:PRECISION with a precision of {string.Join(", ", Enum.GetNames<Precision>()).ToLowerInvariant()}, for example onnx:int4, or onnx:int4:128 for blocks of 128 weights";
            var run = new InferenceRun(backend, value);
            if (rest is [var block])
            {
                if (!run.NeedsExport || value is not (Precision.Int8 or Precision.Int4) || !int.TryParse(block, out var size) || !BlockSizes.Contains(size))
                    return $"'{name}' is not a run; onnx:int8 and onnx:int4 have blocks of {string.Join(", ", BlockSizes)} weights";
                run = run with { BlockSize = size };
            }

            read.Add(run);
        }

        return read.Count == read.Distinct().Count() ? null : "a run is named twice";
    }
}

/// <summary>How <c>bench inference</c> measures.</summary>
/// <param name="Prefill">Tokens of a prompt.</param>
/// <param name="Decode">Tokens decoded after the first new one.</param>
/// <param name="Repetitions">Turns of each contender.</param>
/// <param name="Threads">Threads of each contender.</param>
/// <param name="Device">The device.</param>
/// <param name="Streams">How many sequences at a time, one figure for each number.</param>
/// <param name="Configuration">The configuration file, where one is named.</param>
internal sealed record InferenceBenchOptions(int Prefill, int Decode, int Repetitions, int Threads, string Device, IReadOnlyList<int> Streams, string? Configuration)
{
    /// <summary>The largest number of sequences at a time.</summary>
    public int MostStreams => Streams.Max();

    /// <summary>A number as an argument.</summary>
    public static string Text(int number) => number.ToString(System.Globalization.CultureInfo.InvariantCulture);
}
