using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Alpaca.Abstractions;
using Alpaca.Text;
using Microsoft.Extensions.Logging;

namespace Alpaca.Tokenizers.Tests;

public sealed class TokenizerMergerTests : IDisposable
{
    private static readonly string Fixtures = Path.Combine(AppContext.BaseDirectory, "Fixtures");
    private static readonly JsonDocument Expected = JsonDocument.Parse(File.ReadAllBytes(Path.Combine(Fixtures, "merged.json")));

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData(null, "sha256")]
    [InlineData("[PAD]", "sha256WithPad")]
    public async Task ExecuteAsync_Fixtures_WritesTheModelSentencePieceWould(string? pad, string digest)
    {
        await MergeAsync(pad);
        foreach (var name in new[] { "tokenizer.model", "chinese_llama.model" }) Sha256(Output(name)).Should().Be(Expected.RootElement.GetProperty(digest).GetString());
    }

    [Fact]
    public async Task ExecuteAsync_Fixtures_CountsPieces()
    {
        var artifact = await MergeAsync(pad: null);
        var (pieces, added, duplicates) = (Number("pieces"), Number("added"), Number("duplicates"));
        (artifact.VocabularySize, artifact.AddedPieces, artifact.Kind).Should().Be((pieces, added, ArtifactKinds.Tokenizer));
        (artifact.Metrics["pieces"], artifact.Metrics["added"], artifact.Metrics["duplicates"], artifact.Metrics["extra"]).Should().Be((pieces, added, duplicates, 0));

        static int Number(string name) => Expected.RootElement.GetProperty(name).GetInt32();
    }

    [Fact]
    public async Task ExecuteAsync_Fixtures_TokenizesAsSentencePieceDoes()
    {
        await MergeAsync(pad: null);
        var tokenizer = LlamaTokenizer.Load(_folder.Combine("out"));
        foreach (var sample in Expected.RootElement.GetProperty("encode").EnumerateArray())
        {
            var ids = Ids(sample.GetProperty("ids"));
            tokenizer.Encode(sample.GetProperty("text").GetString()!).Should().Equal(ids, "text '{0}'", sample.GetProperty("text").GetString());
            tokenizer.Decode(ids).Should().Be(sample.GetProperty("decoded").GetString());
        }
        foreach (var sample in Expected.RootElement.GetProperty("decode").EnumerateArray())
            tokenizer.Decode(Ids(sample.GetProperty("ids"))).Should().Be(sample.GetProperty("text").GetString());
    }

    [Fact]
    public async Task ExecuteAsync_NoChatTemplate_WritesTheJsonFilesOfTransformersThatNameLegacy()
    {
        await MergeRequestAsync(new() { ChatTemplate = "none" });
        // The digests of the files that transformers 4.28 writes for LLaMA; "legacy" came later.
        Sha256(Output("special_tokens_map.json")).Should().Be("ff3b4a612c4e447acb02d40071bddd989fe0da87eb5b7fe0dbadfc4f74de7531");
        var config = Encoding.UTF8.GetString(Output("tokenizer_config.json"));
        Sha256(Encoding.UTF8.GetBytes(config.Replace("  \"legacy\": true,\n", "", StringComparison.Ordinal))).Should().Be("380608719f3af6ef2b343e2ed53bf55556678609337e88a14f58cc49177b9e18");
        config.Should().Contain("\"legacy\": true");
    }

    [Theory]
    [InlineData("alpaca")]
    [InlineData("llama2")]
    public async Task ExecuteAsync_ChatTemplate_IsInTheConfiguration(string name)
    {
        await MergeRequestAsync(new() { ChatTemplate = name });
        using var config = JsonDocument.Parse(Output("tokenizer_config.json"));
        config.RootElement.GetProperty("chat_template").GetString().Should().Be(PromptTemplate.Get(name).ToJinja());
    }

    [Fact]
    public async Task ExecuteAsync_WithPad_NamesItInAllThreeJsonFiles()
    {
        var artifact = await MergeAsync("[PAD]");
        foreach (var file in new[] { "tokenizer_config.json", "special_tokens_map.json" })
        {
            using var json = JsonDocument.Parse(Output(file));
            json.RootElement.GetProperty("pad_token").GetProperty("content").GetString().Should().Be("[PAD]", file);
        }
        using var fast = JsonDocument.Parse(Output("tokenizer.json"));
        var pad = fast.RootElement.GetProperty("added_tokens").EnumerateArray().Last();
        (pad.GetProperty("content").GetString(), pad.GetProperty("id").GetInt32(), pad.GetProperty("special").GetBoolean()).Should().Be(("[PAD]", artifact.VocabularySize - 1, true));
    }

    [Fact]
    public async Task ExecuteAsync_PadFirst_PutsItBeforeTheAddedPieces()
    {
        var artifact = await MergeRequestAsync(new() { PadToken = "<pad>", PadFirst = true });
        var tokenizer = LlamaTokenizer.Load(_folder.Combine("out"));
        tokenizer.PadId.Should().Be(artifact.VocabularySize - artifact.AddedPieces);
        artifact.AddedPieces.Should().Be((int)artifact.Metrics["added"] + 1);
    }

    [Fact]
    public async Task ExecuteAsync_ExtraPieces_FollowThoseOfTheModels()
    {
        var file = _folder.Write("extra.txt", "\uFEFF大模型\n▁微调\r\n语言\n");
        var artifact = await MergeRequestAsync(new() { ExtraPieces = ["羊驼", "▁the"], ExtraPiecesFile = file, PadToken = "[PAD]" });
        LlamaTokenizer.Load(_folder.Combine("out")).Model.Pieces.TakeLast(4).Select(piece => (piece.Text, piece.Score))
            .Should().Equal(("羊驼", 0), ("大模型", 0), ("▁微调", 0), ("[PAD]", 0));
        artifact.Metrics["extra"].Should().Be(3);
        using var report = Report();
        report.RootElement.GetProperty("pieces").GetProperty("knownExtra").GetInt32().Should().Be(2, "the base has ▁the and the Chinese model 语言");
    }

    [Fact]
    public async Task ExecuteAsync_SeveralModels_AreAddedInTurn()
    {
        var once = await MergeAsync(pad: null);
        var twice = await MergeRequestAsync(new() { ChineseSpModelFile = [Path.Combine(Fixtures, "chinese.model"), Path.Combine(Fixtures, "base.model"), Path.Combine(Fixtures, "chinese.model")] });
        twice.VocabularySize.Should().Be(once.VocabularySize, "the second and third bring nothing new");
        twice.Metrics["duplicates"].Should().BeGreaterThan(once.Metrics["duplicates"]);
    }

    [Fact]
    public async Task ExecuteAsync_ExtraPiecesWithFaults_TellsAllOfThemAndWritesNothing()
    {
        var file = _folder.Write("extra.txt", "好\n\n好\na b\nx\u0007\n" + new string('字', 129) + "\n");
        var run = () => MergeRequestAsync(new() { ExtraPieces = ["好", "\ud800"], ExtraPiecesFile = file, PadFirst = true, ChatTemplate = "vicuna", ReportText = _folder.Combine("absent.txt") });
        var error = (await run.Should().ThrowAsync<AlpacaException>()).Which.Message;
        error.Split(Environment.NewLine).Should().HaveCount(10);
        foreach (var part in new[]
        {
            "ExtraPieces, entry 2: the piece has half of a surrogate pair", "line 1: the piece '好' is in ExtraPieces, entry 1 already", "line 2: the piece is empty", "line 3: the piece '好'",
            "line 4: the piece 'a b' has a space", "line 5: the piece has the control character U+0007", "line 6: the piece has more than 128", "PadFirst", "no prompt template 'vicuna'", "absent.txt cannot be read",
        })
            error.Should().Contain(part);
        Directory.EnumerateFileSystemEntries(_folder.Combine("out")).Should().BeEmpty();
    }

    [Fact]
    public async Task ExecuteAsync_ReportText_IsComparedPieceByPiece()
    {
        var text = _folder.Write("text.txt", "the xq, the fox");
        var artifact = await MergeRequestAsync(new() { ExtraPieces = ["xq"], ReportText = text });
        var (before, after) = (LlamaTokenizer.Load(Path.Combine(Fixtures, "base.model")), LlamaTokenizer.Load(_folder.Combine("out")));
        using var report = Report();
        var length = report.RootElement.GetProperty("text");
        (length.GetProperty("characters").GetInt32(), length.GetProperty("tokensBefore").GetInt32(), length.GetProperty("tokensAfter").GetInt32())
            .Should().Be((15, before.Encode("the xq, the fox").Count, after.Encode("the xq, the fox").Count));
        artifact.Metrics["tokensPerCharacterBefore"].Should().BeApproximately(before.Encode("the xq, the fox").Count / 15.0, 1e-4);
        var english = report.RootElement.GetProperty("english");
        var changed = new[] { "the", "xq", "the", "fox" }.Count(word => !before.Encode(word).SequenceEqual(after.Encode(word)));
        changed.Should().BeGreaterThan(0, "or the test tests nothing");
        (english.GetProperty("words").GetInt32(), english.GetProperty("changed").GetInt32()).Should().Be((4, changed));
    }

    [Fact]
    public async Task ExecuteAsync_PieceThatNoMergeLeadsTo_IsReportedAsUnreachable()
    {
        var before = await MergeAsync(pad: null);
        var artifact = await MergeRequestAsync(new() { ExtraPieces = ["龘龘靐"] });
        artifact.UnreachablePieces.Should().Be(before.UnreachablePieces + 1);
        artifact.Metrics["unreachable"].Should().Be(artifact.UnreachablePieces);
    }

    [Fact]
    public async Task ExecuteAsync_WithPad_MakesItThePaddingToken()
    {
        var artifact = await MergeAsync("[PAD]");
        var tokenizer = LlamaTokenizer.Load(_folder.Combine("out"));
        tokenizer.PadId.Should().Be(artifact.VocabularySize - 1);
        (tokenizer.PieceOf(tokenizer.PadId!.Value), tokenizer.VocabularySize).Should().Be(("[PAD]", artifact.VocabularySize));
        artifact.AddedPieces.Should().Be((int)artifact.Metrics["added"] + 1);
        tokenizer.Decode([.. tokenizer.Encode("学习"), tokenizer.PadId!.Value]).Should().Be("学习");
    }

    [Fact]
    public async Task ExecuteAsync_PadThatIsAPieceAlready_AddsNone()
    {
        var artifact = await MergeAsync("▁the");
        artifact.AddedPieces.Should().Be((int)artifact.Metrics["added"]);
    }

    [Fact]
    public async Task ExecuteAsync_ModelFileInsteadOfFolder_IsTakenToo()
    {
        var artifact = await MergeAsync(pad: null, llama: Path.Combine(Fixtures, "base.model"));
        artifact.VocabularySize.Should().Be(Expected.RootElement.GetProperty("pieces").GetInt32());
    }

    [Fact]
    public async Task ExecuteAsync_Fixtures_LogsWhatTheOriginalScriptPrints()
    {
        var log = new ListLogger();
        await MergeAsync(pad: null, logger: log);
        var text = string.Join('\n', log.Messages);
        text.Should().Contain("Before:620").And.Contain($"New model pieces: {Expected.RootElement.GetProperty("pieces").GetInt32()}")
            .And.Contain(TokenizerMerger.TestText).And.Contain("Tokenized by LLaMA tokenizer").And.Contain("Tokenized by Chinese-LLaMA tokenizer");
    }

    [Fact]
    public async Task ExecuteAsync_WrongInputs_TellsAllAtOnceAndWritesNothing()
    {
        var text = _folder.Write("notes.txt", "just text");
        var run = () => MergeAsync("[ PAD ]", llama: _folder.CreateFolder("empty"), chinese: text);
        var error = (await run.Should().ThrowAsync<AlpacaException>()).Which.Message;
        error.Should().Contain("empty has no tokenizer.model").And.Contain($"{text} is not a SentencePiece model").And.Contain("PadToken");
        Directory.EnumerateFileSystemEntries(_folder.Combine("out")).Should().BeEmpty();
    }

    [Fact]
    public async Task ExecuteAsync_SwappedModels_SaysSo()
    {
        var run = () => MergeAsync(null, llama: Path.Combine(Fixtures, "chinese.model"), chinese: Path.Combine(Fixtures, "base.model"));
        (await run.Should().ThrowAsync<AlpacaException>()).WithMessage("*chinese.model*Unigram*swapped*");
    }

    [GoldenTheory]
    [InlineData(null, 49_953, "e2676d4ca29ca1750f6ff203328d73b189321dc5776ceede037cbd36541d70c0")]
    [InlineData("[PAD]", 49_954, "2d967e855b1213a439df6c8ce2791f869c84b4f3b6cfacf22b86440b8192a2f8")]
    public async Task ExecuteAsync_PublishedModels_GivesThePublishedDigest(string? pad, int pieces, string digest)
    {
        var artifact = await MergeGoldenAsync(pad);
        artifact.VocabularySize.Should().Be(pieces);
        (artifact.Metrics["added"], artifact.Metrics["duplicates"]).Should().Be((17_953, 2_047));
        Sha256(Output("tokenizer.model")).Should().Be(digest);
    }

    [GoldenFact]
    public async Task ExecuteAsync_PublishedModels_TokenizesAllReferenceTexts()
    {
        await MergeGoldenAsync(pad: null);
        var tokenizer = LlamaTokenizer.Load(_folder.Combine("out"));
        using var expected = JsonDocument.Parse(File.ReadAllBytes(Golden.Path("tokenizer", "expected.json")));
        foreach (var sample in new[] { "tricky", "texts" }.SelectMany(set => expected.RootElement.GetProperty(set).EnumerateArray()))
        {
            var text = sample.GetProperty("text").GetString()!;
            var ids = Ids(sample.GetProperty("merged"));
            tokenizer.Encode(text).SequenceEqual(ids).Should().BeTrue("SentencePiece gives other ids for '{0}'", text);
            tokenizer.Decode(ids).Should().Be(sample.GetProperty("decoded").GetString());
        }
    }

    [GoldenFact]
    public async Task ExecuteAsync_PublishedModels_TokenizesTheDocumentedVectors()
    {
        await MergeGoldenAsync(pad: null);
        var tokenizer = LlamaTokenizer.Load(_folder.Combine("out"));
        var vectors = new (string Text, string Ids)[]
        {
            ("白日依山尽，黄河入海流。欲穷千里目，更上一层楼。", "39226 30325 33282 30329 32555 30214 37693 30752 30581 31151 30267 33182 35243 40097 30895 30214 31100 30429 36966 32261 30267"),
            ("The primary use of LLaMA is research on large language models, including", "450 7601 671 310 365 5661 1529 338 5925 373 2919 4086 4733 29892 3704"),
            ("人工智能是计算机科学、心理学、哲学等学科融合的交叉学科。", "29871 43819 30392 33482 32599 30330 36752 30330 34802 31184 34028 35258 30210 38879 34028 30267"),
            ("为什么要减少污染，保护环境？", "33031 30698 32800 34377 30214 32445 32291 30882"),
            (PromptTemplate.Get("alpaca").Render("为什么要减少污染，保护环境？"),
                "13866 338 385 15278 393 16612 263 3414 29889 14350 263 2933 393 7128 2486 1614 2167 278 2009 29889 13 13 2277 29937 2799 4080 29901 13 37992 32800 34377 30214 32445 32291 30882 13 13 2277 29937 13291 29901 29871"),
            (PromptTemplate.Get("llama2").Render("我能用lightning数据线给安卓手机充电吗？"),
                "518 25580 29962 3532 14816 29903 6778 13 3492 526 263 8444 408 46405 29873 424 29889 32787 32510 31616 30909 31931 32677 42108 30267 13 29966 829 14816 29903 6778 13 13 41841 30406 4366 1076 32326 31532 31999 41679 32212 37236 32027 30882 518 29914 25580 29962"),
            ("中国的首都是北京。", "33456 30210 35942 30392 32187 30267"),
            (" 中国的首都是北京。\n", "29871 33456 30210 35942 30392 32187 30267 13"),
            ("Hello world", "15043 3186"), ("", ""), (" ", "259"), ("A", "319"), ("：A", "29871 30383 29909"), ("\n", "29871 13"), ("a\n\nb", "263 13 13 29890"),
            ("  x", "259 921"), ("😀", "29871 243 162 155 131"), ("[PAD]", "518 29925 3035 29962"), ("<pad>", "529 8305 29958"),
        };
        foreach (var (text, ids) in vectors) string.Join(' ', tokenizer.Encode(text)).Should().Be(ids, "text '{0}'", text);
        tokenizer.Encode(PromptTemplate.Get("alpaca-inference").Render("为什么要减少污染，保护环境？")).Should().HaveCount(44)
            .And.EndWith([29901, 13, 13, 37992, 32800, 34377, 30214, 32445, 32291, 30882, 13, 13, 2277, 29937, 13291, 29901, 13, 13]);

        foreach (var (ids, text) in new (int[], string)[]
        {
            ([243], "\ufffd"), ([243, 162], "\ufffd\ufffd"), ([243, 162, 155], "\ufffd\ufffd\ufffd"), ([243, 162, 155, 131], "😀"), ([29871, 243, 162, 155, 131], "😀"),
            ([32002, 233], "中国\ufffd"), ([1, 32002], "中国"), ([2], ""), ([0], " \u2047 "),
        })
            tokenizer.Decode(ids).Should().Be(text);
    }

    [GoldenFact]
    public async Task ExecuteAsync_PublishedModels_TokenizesEveryAddedPieceAsSpmEncodeDoes()
    {
        await MergeGoldenAsync(pad: null);
        var tokenizer = LlamaTokenizer.Load(_folder.Combine("out"));
        var lines = tokenizer.Model.Pieces.Skip(32_000).Select(piece => piece.Text.Replace('▁', ' ').Trim()).ToList();
        Hash(lines).Should().Be("794a719bd60a237f2e4a762f6b0a542faeadb66b284f45c333be40c32d1396de", "that is the published list of pieces");
        Hash(lines.Select(line => string.Join(' ', tokenizer.Encode(line)))).Should().Be("d58926589ee44ccbdd14e6cad58ba1ec8ef694372cbc13637b840d20afc18baf");
        var llama = LlamaTokenizer.Load(Golden.Path("tokenizer", "llama.model"));
        Hash(lines.Select(line => string.Join(' ', llama.Encode(line)))).Should().Be("bc6a6fcd79351bd883808519bcd0520f6db21ad6cb762ab056b263301f68f7a2");

        static string Hash(IEnumerable<string> lines)
            => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(string.Concat(lines.Select(line => line + "\n")))));
    }

    [GoldenFact]
    public async Task ExecuteAsync_PublishedModels_ReportsTheKnownFigures()
    {
        var text = _folder.Write("text.txt", "You are a helpful assistant.");
        var artifact = await MergeRequestAsync(new() { LlamaTokenizerDir = Golden.Path("tokenizer", "llama.model"), ChineseSpModelFile = [Golden.Path("tokenizer", "chinese_sp.model")], ReportText = text });
        artifact.UnreachablePieces.Should().Be(345);
        using var report = Report();
        report.RootElement.GetProperty("reachability").GetProperty("reachableAlone").GetInt32().Should().Be(16_113);
        var english = report.RootElement.GetProperty("english");
        (english.GetProperty("words").GetInt32(), english.GetProperty("changed").GetInt32()).Should().Be((5, 1));
        english.GetProperty("examples")[0].GetRawText().Should().Contain("assistant").And.Contain("\"sis\"");
        report.RootElement.GetProperty("fastTokenizer").GetProperty("spoiltPieces").GetInt32().Should().Be(0);
    }

    private Task<TokenizerArtifact> MergeGoldenAsync(string? pad)
        => MergeAsync(pad, Golden.Path("tokenizer", "llama.model"), Golden.Path("tokenizer", "chinese_sp.model"));

    private Task<TokenizerArtifact> MergeAsync(string? pad, string? llama = null, string? chinese = null, ILogger? logger = null)
        => MergeRequestAsync(new() { LlamaTokenizerDir = llama ?? "", ChineseSpModelFile = chinese is null ? [] : [chinese], PadToken = pad }, logger);

    private Task<TokenizerArtifact> MergeRequestAsync(MergeTokenizersRequest request, ILogger? logger = null)
    {
        var llama = request.LlamaTokenizerDir;
        if (llama.Length == 0)
        {
            llama = _folder.CreateFolder("llama");
            File.Copy(Path.Combine(Fixtures, "base.model"), Path.Combine(llama, "tokenizer.model"), overwrite: true);
        }
        var context = StageContexts.In(_folder);
        if (logger is not null)
            context = new StageContext { OutputFolder = context.OutputFolder, ResumeFolder = context.ResumeFolder, Progress = context.Progress, Logger = logger };
        return new TokenizerMerger().ExecuteAsync(
            request with { LlamaTokenizerDir = llama, ChineseSpModelFile = request.ChineseSpModelFile is { Count: > 0 } files ? files : [Path.Combine(Fixtures, "chinese.model")] }, context);
    }

    private JsonDocument Report() => JsonDocument.Parse(Output("merge_report.json"));

    private byte[] Output(string name) => File.ReadAllBytes(_folder.Combine("out", name));

    private static string Sha256(byte[] data) => Convert.ToHexStringLower(SHA256.HashData(data));

    private static int[] Ids(JsonElement array) => [.. array.EnumerateArray().Select(id => id.GetInt32())];

    private sealed class ListLogger : ILogger
    {
        public List<string> Messages { get; } = [];

        public IDisposable? BeginScope<TState>(TState state) where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
            => Messages.Add(formatter(state, exception));
    }
}
