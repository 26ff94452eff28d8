using System.Text;
using System.Text.Json;
using Alpaca.Abstractions;
using Alpaca.Formats;
using Alpaca.Text;
using FsCheck;
using FsCheck.Xunit;

namespace Alpaca.Convert.Tests;

/// <summary>Llama 3's tokenizer, with a small vocabulary trained here.</summary>
public sealed class Llama3TokenizerTests : IDisposable
{
    private const string Text = "the cat sat on the mat, and the other cat looked at the moon; 12345 cats don't walk in the park. 今天天气很好 我们去公园散步 今天天气";

    private static readonly TinyTiktoken Vocabulary = TinyTiktoken.Train(Text, merges: 60);

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Of_SmallVocabulary_IsEveryCutInTheOrderOfRanks()
    {
        var pieces = TiktokenFile.Read(Vocabulary.Write(_folder.Combine("tokenizer.model")));

        // By definition: all pairs, those whose union is a piece, ordered by its rank and theirs.
        var ranks = pieces.Select((piece, rank) => (piece, rank)).ToDictionary(p => p.piece, p => p.rank);
        var expected =
            from left in pieces
            from right in pieces
            where ranks.ContainsKey(left + right)
            orderby ranks[left + right], ranks[left], ranks[right]
            select (left, right);
        BpeMerges.Of(pieces).Should().Equal(expected).And.HaveCountGreaterThan(60);
    }

    [Fact]
    public void Encode_EveryByte_IsGpt2sAlphabet()
    {
        ByteAlphabet.Encode(" \n\t!~\0"u8).Should().Be("ĠĊĉ!~Ā");
        ByteAlphabet.Encode([0x7f, 0x80, 0xa0, 0xa1, 0xac, 0xad, 0xae, 0xff]).Should().Be("ġĢł¡¬Ń®ÿ");
        Enumerable.Range(0, 256).Select(value => ByteAlphabet.Encode([(byte)value])).Should().OnlyHaveUniqueItems();
    }

    [Theory]
    [InlineData("3", 8192, "<|reserved_special_token_2|>", "<|reserved_special_token_250|>")]
    [InlineData("auto", 8192, "<|reserved_special_token_2|>", "<|reserved_special_token_250|>")]
    [InlineData("3.1", 131072, "<|finetune_right_pad_id|>", "<|reserved_special_token_247|>")]
    public async Task ExecuteAsync_TiktokenFile_WritesTheFilesOfAFastTokenizer(string version, int positions, string fifth, string last)
    {
        var output = await Convert(version);

        using var tokenizer = Json(output, "tokenizer.json");
        var added = tokenizer.RootElement.GetProperty("added_tokens").EnumerateArray().ToList();
        added.Select(t => t.GetProperty("id").GetInt32()).Should().Equal(Enumerable.Range(Vocabulary.Pieces.Count, 256));
        var contents = added.Select(t => t.GetProperty("content").GetString()).ToList();
        contents.Should().OnlyHaveUniqueItems().And.HaveCount(256);
        (contents[0], contents[1], contents[4], contents[9], contents[^1]).Should().Be(("<|begin_of_text|>", "<|end_of_text|>", fifth, "<|eot_id|>", last));
        Compact(tokenizer.RootElement.GetProperty("pre_tokenizer")).Should().Be(Compact("""
            {"type": "Sequence", "pretokenizers": [
              {"type": "Split", "pattern": {"Regex": "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}{1,3}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+"}, "behavior": "Isolated", "invert": false},
              {"type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true, "use_regex": false}]}
            """));
        Compact(tokenizer.RootElement.GetProperty("post_processor")).Should().Be(Compact($$$"""
            {"type": "Sequence", "processors": [
              {"type": "ByteLevel", "add_prefix_space": true, "trim_offsets": false, "use_regex": true},
              {"type": "TemplateProcessing",
               "single": [{"SpecialToken": {"id": "<|begin_of_text|>", "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}}],
               "pair": [{"SpecialToken": {"id": "<|begin_of_text|>", "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}},
                        {"SpecialToken": {"id": "<|begin_of_text|>", "type_id": 1}}, {"Sequence": {"id": "B", "type_id": 1}}],
               "special_tokens": {"<|begin_of_text|>": {"id": "<|begin_of_text|>", "ids": [{{{Vocabulary.Pieces.Count}}}], "tokens": ["<|begin_of_text|>"] } } } ]}
            """));
        tokenizer.RootElement.GetProperty("model").GetProperty("ignore_merges").GetBoolean().Should().BeTrue();

        using var settings = Json(output, "tokenizer_config.json");
        settings.RootElement.GetProperty("tokenizer_class").GetString().Should().Be("PreTrainedTokenizerFast");
        settings.RootElement.GetProperty("model_max_length").GetInt32().Should().Be(positions);
        settings.RootElement.GetProperty("added_tokens_decoder").EnumerateObject().Should().HaveCount(256);
        using var special = Json(output, "special_tokens_map.json");
        special.RootElement.GetProperty("eos_token").GetProperty("content").GetString().Should().Be("<|end_of_text|>");

        var begin = Vocabulary.Pieces.Count;
        var config = LlamaConfig.Load(output);
        (config.BosTokenId, config.EosTokenId, config.PadTokenId, config.MaxPositionEmbeddings).Should().Be((begin, begin + 1, null, positions));
        File.ReadAllText(Path.Combine(output, "generation_config.json")).Should().Be(
            $$"""
            {
              "_from_model_config": true,
              "bos_token_id": {{begin}},
              "eos_token_id": {{begin + 1}},
              "transformers_version": "4.28.0.dev0"
            }

            """.ReplaceLineEndings("\n"));
        File.ReadAllBytes(Path.Combine(output, "original", "tokenizer.model")).Should().Equal(File.ReadAllBytes(_folder.Combine("weights", "tokenizer.model")));
        File.Exists(Path.Combine(output, "tokenizer.model")).Should().BeFalse();
    }

    [Fact]
    public async Task ExecuteAsync_BackToPth_BringsTheTokenizerBack()
    {
        var output = await Convert("3");
        var context = StageContexts.In(_folder, "back");

        await new CheckpointConverter().ExecuteAsync(new ConvertRequest { InputDir = output, OutputType = ModelFormat.Pth, LlamaVersion = "3" }, context);

        File.ReadAllBytes(Path.Combine(context.OutputFolder, "tokenizer.model")).Should().Equal(File.ReadAllBytes(_folder.Combine("weights", "tokenizer.model")));
    }

    /// <summary>What Hugging Face's tokenizers make of the file, and what tiktoken makes of the ranks, are the same ids.</summary>
    [Property(MaxTest = 200)]
    public void TokenizerJson_AnyWord_GivesTheIdsOfTiktoken(NonNull<string> any, PositiveInt seed)
    {
        var random = new Random(seed.Get);
        var words = Text.Split(' ');
        var bytes = Encoding.UTF8.GetBytes(any.Get + string.Concat(Enumerable.Range(0, random.Next(4)).Select(_ => words[random.Next(words.Length)][random.Next(2)..])));

        MergedByList.Value.Encode(bytes).Should().Equal(Vocabulary.Encode(bytes));
    }

    [Fact]
    public void TokenizerJson_Sentence_IsCutByThePatternAndGivesTheIdsOfTiktoken()
    {
        var ids = MergedByList.Value.EncodeText(Text);

        ids.Should().HaveCountLessThan(Encoding.UTF8.GetByteCount(Text));
        ids.SelectMany(id => Vocabulary.Pieces[id]).Should().Equal(Encoding.UTF8.GetBytes(Text));
    }

    [Fact]
    public async Task ExecuteAsync_TokenizerOfAnotherModel_NamesBoth()
    {
        var act = () => Convert("3", rows: 300);

        (await act.Should().ThrowAsync<AlpacaException>()).WithMessage($"*tokenizer.model has {Vocabulary.Pieces.Count} pieces, {Vocabulary.Pieces.Count + 256} with the special tokens, but the embedding in * has 300 rows*");
    }

    [Fact]
    public async Task ExecuteAsync_TiktokenFileBesideLlama2_IsRefused()
    {
        var act = () => Convert("2");

        (await act.Should().ThrowAsync<AlpacaException>()).WithMessage("*Llama 2 has a SentencePiece tokenizer, *tokenizer.model is a tiktoken file*");
    }

    [Fact]
    public async Task ExecuteAsync_SentencePieceBesideScaledPositions_IsRefused()
    {
        var weights = WriteWeights(rows: 96);
        File.Copy(Path.Combine(Golden.RepositoryRoot, "tests", "Alpaca.Convert.Tests", "Fixtures", "tokenizer.model"), Path.Combine(weights, "tokenizer.model"));
        var parameters = Path.Combine(weights, "params.json");
        File.WriteAllText(parameters, File.ReadAllText(parameters)[..^1] + ", \"use_scaled_rope\": true}");

        var act = () => new CheckpointConverter().ExecuteAsync(new ConvertRequest { InputDir = weights }, StageContexts.In(_folder));

        (await act.Should().ThrowAsync<AlpacaException>()).WithMessage("The weights in * look like Llama 3.1, but *Llama 3.1 has a tiktoken tokenizer, *tokenizer.model is a SentencePiece model*");
    }

    [Theory]
    [InlineData("IQ== 0\nIg== 0\n", "*line 2 has the rank 0, which is taken*")]
    [InlineData("IQ== 0\nIQ== 1\n", "*line 2 has a piece that is there already*")]
    [InlineData("IQ== 0\nIg== 7\n", "*line 2 has the rank 7, which is not below the 2 pieces*")]
    [InlineData("IQ== 0\nI?== 1\nIg==\n", "*line 2 is not a piece in base64 and a rank; line 3 is not*")]
    [InlineData("IQ== 0\nIg== 1\n", "*the byte 0 is no piece; *and 246 more*")]
    public void Read_DamagedFile_ListsTheProblems(string content, string message)
    {
        var path = _folder.Write("tokenizer.model", content);

        var act = () => TiktokenFile.Read(path);

        TiktokenFile.IsOne(path).Should().BeTrue();
        act.Should().Throw<AlpacaException>().WithMessage("*tokenizer.model is not a sound tiktoken vocabulary: " + message);
    }

    [Fact]
    public void IsOne_SentencePieceModel_IsNot()
    {
        TiktokenFile.IsOne(Path.Combine(Golden.RepositoryRoot, "tests", "Alpaca.Convert.Tests", "Fixtures", "tokenizer.model")).Should().BeFalse();
        TiktokenFile.IsOne(_folder.Write("empty", "")).Should().BeFalse();
    }

    private static Lazy<ListBpe> MergedByList { get; } = new(() =>
    {
        using var folder = new TemporaryFolder();
        var pieces = TiktokenFile.Read(Vocabulary.Write(folder.Combine("tokenizer.model")));
        Llama3TokenizerWriter.Write(folder.Path, pieces, LlamaVersion.Llama3, 8192);
        return ListBpe.Load(folder.Combine("tokenizer.json"));
    });

    private static string Compact(string json)
    {
        using var document = JsonDocument.Parse(json);
        return Compact(document.RootElement);
    }

    private static string Compact(JsonElement element) => JsonSerializer.Serialize(element);

    private static JsonDocument Json(string folder, string name) => JsonDocument.Parse(File.ReadAllBytes(Path.Combine(folder, name)));

    private string WriteWeights(int rows)
    {
        var weights = _folder.CreateFolder("weights");
        OriginalCheckpoint.Write(weights, OriginalCheckpoint.Config(heads: 4, keyHeads: 2, headDim: 4, DType.BFloat16, rows), shards: 2, MetaSplit.Rows);
        return weights;
    }

    private async Task<string> Convert(string version, int? rows = null)
    {
        var weights = WriteWeights(rows ?? Vocabulary.Pieces.Count + 256);
        Vocabulary.Write(Path.Combine(weights, "tokenizer.model"));
        if (version == "3.1")
        {
            var parameters = Path.Combine(weights, "params.json");
            File.WriteAllText(parameters, File.ReadAllText(parameters)[..^1] + ", \"use_scaled_rope\": true}");
        }

        var context = StageContexts.In(_folder);
        await new CheckpointConverter().ExecuteAsync(new ConvertRequest { InputDir = weights, LlamaVersion = version }, context);
        return context.OutputFolder;
    }
}
