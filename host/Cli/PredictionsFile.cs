using System.Globalization;
using System.Text;
using Alpaca.Abstractions;
using Alpaca.Formats;

namespace Alpaca.Host;

/// <summary>The predictions of a data file as the original's <c>inference_hf.py</c> writes them: a list of <c>{"Input", "Output"}</c> in UTF-8, with <c>generation_config.json</c> beside it.</summary>
internal sealed class PredictionsFile : IDisposable
{
    private const string OptionsName = "generation_config.json";

    private readonly string _file;
    private readonly string _pending;

    private PredictionsFile(string file, string pending) => (_file, _pending) = (file, pending);

    /// <summary>Makes sure, before the work, that the file can be written.</summary>
    /// <exception cref="AlpacaUsageException">The options beside it would take the place of something else.</exception>
    /// <exception cref="AlpacaException">It cannot be written.</exception>
    public static PredictionsFile Begin(string file)
    {
        var full = Path.GetFullPath(file);
        var folder = Path.GetDirectoryName(full) ?? full;
        if (Directory.Exists(full)) throw new AlpacaUsageException($"--predictions-file is {full}, which is a folder; name a file in it.");
        if (Path.GetFileName(full) == OptionsName) throw new AlpacaUsageException($"--predictions-file cannot be named {OptionsName}, where the options go; name another one.");
        if (File.Exists(Path.Combine(folder, "config.json")))
            throw new AlpacaUsageException($"--predictions-file is in the model folder {folder}, whose {OptionsName} would be replaced; name another folder.");
        try
        {
            Directory.CreateDirectory(folder);
            var pending = PendingOf(full);
            File.WriteAllText(pending, "");
            return new PredictionsFile(full, pending);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new AlpacaException($"The predictions file {full} cannot be written ({e.Message}); name another one.", e);
        }
    }

    /// <summary>Writes it, whole or not at all.</summary>
    /// <param name="predictions">Prompts as the model saw them, and its answers.</param>
    /// <param name="options">How tokens were chosen.</param>
    public void Complete(IReadOnlyList<(string Input, string Output)> predictions, GenerationOptions options)
    {
        Publish(Path.Combine(Path.GetDirectoryName(_file)!, OptionsName), writer => WriteOptions(writer, options));
        Publish(_file, writer => WritePredictions(writer, predictions));
    }

    /// <inheritdoc />
    public void Dispose() => File.Delete(_pending);

    private static string PendingOf(string file) => $"{file}.{Environment.ProcessId}.pending";

    private static void Publish(string file, Action<TextWriter> write)
    {
        var pending = PendingOf(file);
        using (var writer = new StreamWriter(pending)) write(writer);
        Rename.File(pending, file, overwrite: true);
    }

    private static void WritePredictions(TextWriter writer, IReadOnlyList<(string Input, string Output)> predictions)
    {
        writer.Write('[');
        for (var i = 0; i < predictions.Count; i++)
            writer.Write($"{(i == 0 ? "" : ",")}\n  {{\n    \"Input\": {Quote(predictions[i].Input)},\n    \"Output\": {Quote(predictions[i].Output)}\n  }}");
        writer.Write("\n]");
    }

    private static void WriteOptions(TextWriter writer, GenerationOptions options)
    {
        List<string> entries =
        [
            Entry("temperature", options.Temperature),
            Entry("top_k", options.TopK),
            Entry("top_p", options.TopP),
            $"  \"do_sample\": {(options.Temperature > 0 ? "true" : "false")}",
            Entry("num_beams", 1),
            Entry("repetition_penalty", options.RepetitionPenalty),
            Entry("max_new_tokens", options.MaxNewTokens),
        ];
        if (options.MinP != 0) entries.Add(Entry("min_p", options.MinP));
        if (options.PresencePenalty != 0) entries.Add(Entry("presence_penalty", options.PresencePenalty));
        if (options.FrequencyPenalty != 0) entries.Add(Entry("frequency_penalty", options.FrequencyPenalty));
        if (options.Seed is { } seed) entries.Add(Entry("seed", seed));
        writer.Write($"{{\n{string.Join(",\n", entries)}\n}}");

        static string Entry(string name, IFormattable value) => $"  \"{name}\": {value.ToString(null, CultureInfo.InvariantCulture)}";
    }

    /// <summary>A JSON string as Python writes it with <c>ensure_ascii=False</c>. .NET's encoders escape emoji and the ideographic space whatever they are told.</summary>
    private static string Quote(string text)
    {
        var quoted = new StringBuilder(text.Length + 2).Append('"');
        foreach (var c in text)
        {
            _ = c switch
            {
                '"' => quoted.Append("\\\""),
                '\\' => quoted.Append(@"\\"),
                '\b' => quoted.Append(@"\b"),
                '\f' => quoted.Append(@"\f"),
                '\n' => quoted.Append(@"\n"),
                '\r' => quoted.Append(@"\r"),
                '\t' => quoted.Append(@"\t"),
                < ' ' => quoted.Append(CultureInfo.InvariantCulture, $"\\u{(int)c:x4}"),
                _ => quoted.Append(c),
            };
        }

        return quoted.Append('"').ToString();
    }
}
