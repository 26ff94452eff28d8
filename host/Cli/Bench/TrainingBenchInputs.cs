using System.Globalization;
using System.Text;
using System.Text.Json.Nodes;
using Alpaca.Abstractions;
using Alpaca.Formats;
using Alpaca.Text;

namespace Alpaca.Host;

/// <summary>What is trained in a benchmark.</summary>
/// <param name="Model">The dimensions.</param>
/// <param name="Length">The longest sample in tokens.</param>
/// <param name="Batch">Samples of a forward pass, one pass a step.</param>
/// <param name="Steps">Optimizer steps.</param>
/// <param name="Rank">LoRA rank, on all projections.</param>
/// <param name="Fill">Mean length as a part of the longest: lengths are uniform from 0.1 to twice this less 0.1.</param>
/// <param name="Response">Part of a sample that is its answer.</param>
internal sealed record TrainingShape(LlamaConfig Model, int Length, int Batch, int Steps, int Rank, double Fill, double Response);

/// <summary>Model, tokenizer and data for <c>bench train</c>, made from a seed.</summary>
/// <param name="Options">The options of the train stage that name them.</param>
internal sealed record TrainingBenchInputs(IReadOnlyList<string> Options)
{
    private const int Seed = 1;
    private const int ShortestSample = 8;

    // Blocks of characters that stand for words, each of them a piece: CJK with extensions A and B, and Hangul.
    private static readonly (int First, int Last)[] Blocks = [(0x4E00, 0x9FFF), (0xAC00, 0xD7A3), (0x3400, 0x4DBF), (0x20000, 0x2A6DF)];

    /// <summary>Writes them.</summary>
    public static TrainingBenchInputs Make(string folder, TrainingShape shape, CancellationToken cancellationToken)
    {
        Directory.CreateDirectory(folder);
        new SyntheticWeights(new WeightShape("bench", 1, shape.Model.VocabSize, shape.Model), Seed, NullProgress.Instance, cancellationToken).WriteModel(folder);
        var words = WriteTokenizer(Path.Combine(folder, TokenizerFiles.Model), shape.Model.VocabSize);
        var data = Path.Combine(folder, "data.json");
        File.WriteAllText(data, Samples(shape, ModelTokenizer.Load(folder), words).ToJsonString());
        return new TrainingBenchInputs(
        [
            "--model-name-or-path", folder, "--tokenizer-name-or-path", folder, "--dataset-dir", data, "--max-seq-length", Text(shape.Length), "--batch-size", Text(shape.Batch),
            "--training-steps", Text(shape.Steps), "--lora-rank", Text(shape.Rank), "--lora-alpha", Text(4 * shape.Rank), "--lora-trainable", string.Join(',', LlamaTensorNames.Projections),
            "--logging-steps", "1", "--save-steps", "0", "--over-long", "fail",
        ]);

        static string Text(int number) => number.ToString(CultureInfo.InvariantCulture);
    }

    /// <summary>The sample's tokenizer, grown to the size wanted: the words of the prompt template as one piece each, and characters.</summary>
    /// <returns>The characters.</returns>
    private static List<string> WriteTokenizer(string file, int size)
    {
        var model = SentencePieceModel.Load(Path.Combine(AppContext.BaseDirectory, "samples", "llama-tiny", TokenizerFiles.Model));
        var known = model.Pieces.Select(piece => piece.Text).ToHashSet(StringComparer.Ordinal);
        List<SentencePiece> added = [];
        // Every beginning of a word too, since pieces are joined two at a time; above all other scores, so that nothing else is joined first.
        foreach (var word in PromptTemplate.Get("alpaca").Render("").Split([' ', '\n'], StringSplitOptions.RemoveEmptyEntries))
        {
            for (var end = 1; end <= word.Length; end++)
            {
                var piece = "▁" + word[..end];
                if (known.Add(piece)) added.Add(new SentencePiece(piece, end));
            }
        }

        var words = Blocks.SelectMany(block => Enumerable.Range(block.First, block.Last - block.First + 1)).Select(char.ConvertFromUtf32).Where(known.Add)
            .Take(Math.Max(0, size - model.Pieces.Count - added.Count)).ToList();
        added.AddRange(words.Select(word => new SentencePiece(word, 0)));
        if (words.Count == 0 || model.Pieces.Count + added.Count != size)
            throw new AlpacaUsageException($"--vocab {size} cannot be made; give a number from {model.Pieces.Count + added.Count - words.Count + 1} to 80,000.");
        model.Append(added).Save(file);
        return words;
    }

    private static JsonArray Samples(TrainingShape shape, ModelTokenizer tokenizer, List<string> words)
    {
        var random = new Random(Seed);
        // What a sample has besides its words.
        var least = SupervisedEncoder.Encode(Conversation.Of(words[0], null, words[0]), tokenizer, PromptTemplate.Get("alpaca"));
        var answerOverhead = least.Labels.Count(label => label != SupervisedEncoder.IgnoreIndex) - 1;
        var promptOverhead = least.InputIds.Length - answerOverhead - 2;
        return [.. Enumerable.Range(0, shape.Batch * shape.Steps).Select(_ => Sample())];

        JsonNode Sample()
        {
            var length = Math.Max(ShortestSample, (int)(shape.Length * (0.1 + (random.NextDouble() * ((2 * shape.Fill) - 0.2)))));
            var prompt = (int)(length * (1 - shape.Response));
            return new JsonObject
            {
                ["instruction"] = Words(Math.Max(1, prompt - promptOverhead)),
                ["input"] = "",
                ["output"] = Words(Math.Max(1, length - prompt - answerOverhead)),
            };
        }

        string Words(int count)
        {
            var text = new StringBuilder();
            for (var i = 0; i < count; i++) text.Append(words[random.Next(words.Count)]);
            return text.ToString();
        }
    }
}
