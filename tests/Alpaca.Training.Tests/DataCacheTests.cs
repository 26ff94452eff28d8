using Alpaca.Abstractions;
using Alpaca.Text;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Time.Testing;

namespace Alpaca.Training.Tests;

/// <summary>That tokenised data is kept, that it is never stale, and that a cache that does not work costs nothing but time.</summary>
public sealed class DataCacheTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly RecordingLogger _logger = new();
    private readonly FakeTimeProvider _time = new(new DateTimeOffset(2030, 1, 1, 0, 0, 0, TimeSpan.Zero));
    private readonly string _tokenizer;
    private string _data;

    public DataCacheTests()
    {
        _tokenizer = _folder.CreateFolder("tokenizer");
        File.Copy(TinyLlama.Fixture.Tokenizer, Path.Combine(_tokenizer, "tokenizer.model"));
        // Two turns, so that labels go to and fro; an over-long one and a double, so that there is something to be said.
        _data = _folder.Write("data/a.jsonl", $$"""
            {"instruction": "a", "output": "b", "history": [["c", "d"]]}
            {"instruction": "a", "output": "{{new string('x', 900)}}"}
            {"instruction": "e", "output": "f"}
            {"instruction": "e", "output": "f"}
            """);
    }

    private string Cache => _folder.Combine("cache", "data");

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Load_SecondTime_GivesTheSameFromTheCache()
    {
        var first = Load();
        FromCache().Should().BeFalse();
        var second = Load();

        FromCache().Should().BeTrue();
        ShouldBeEqual(second, first);
        second.Lint.Warnings.Should().HaveCount(2);
    }

    [Fact]
    public void LoadText_SecondTime_GivesTheSameFromTheCache()
    {
        _data = _folder.Write("text/a.txt", string.Join('\n', Enumerable.Range(0, 100).Select(i => $"line {i}")));

        var first = LoadText(new PretrainRequest { BlockSize = 32 });
        FromCache().Should().BeFalse();
        var second = LoadText(new PretrainRequest { BlockSize = 32 });

        FromCache().Should().BeTrue();
        ShouldBeEqual(second, first);
        second.Samples.Should().OnlyContain(block => ReferenceEquals(block.InputIds, block.Labels), "where all is learned, ids and labels are one array");
    }

    public static TheoryData<string> Changes => ["content", "name", "file", "tokenizer", "template", "length", "over-long"];

    [Theory]
    [MemberData(nameof(Changes))]
    public void Load_AnythingThatMakesTokensChanged_IsEncodedAnew(string change)
    {
        Load();
        var request = new TrainRequest();
        switch (change)
        {
            case "content": // of the same length, at the same time
                var time = File.GetLastWriteTimeUtc(_data);
                File.WriteAllText(_data, File.ReadAllText(_data).Replace("\"e\"", "\"g\"", StringComparison.Ordinal));
                File.SetLastWriteTimeUtc(_data, time);
                break;
            case "name":
                File.Move(_data, _data = _folder.Combine("data", "b.jsonl"));
                break;
            case "file":
                _folder.Write("data/b.jsonl", """{"instruction": "a", "output": "b"}""");
                break;
            case "tokenizer":
                File.WriteAllText(Path.Combine(_tokenizer, "added_tokens.json"), """{"[PAD]": 512}""");
                break;
            case "template":
                request = request with { Template = "llama2" };
                break;
            case "length":
                request = request with { MaxSeqLength = 500 };
                break;
            case "over-long":
                request = request with { OverLong = OverLongSamples.Drop };
                break;
        }

        var changed = Load(request);

        FromCache().Should().BeFalse();
        ShouldBeEqual(changed, Load(request, isCached: false));
        Load(request);
        FromCache().Should().BeTrue();
    }

    [Theory]
    [InlineData("lines")]
    [InlineData("eos")]
    [InlineData("block")]
    public void LoadText_OptionChanged_IsEncodedAnew(string change)
    {
        _data = _folder.Write("text/a.txt", "one\ntwo\nthree\nfour\n\nfive");
        var request = new PretrainRequest { BlockSize = 16 };
        LoadText(request);

        LoadText(change switch
        {
            "lines" => request with { Documents = TextDocuments.Paragraph },
            "eos" => request with { AddEos = true },
            _ => request with { BlockSize = 17 },
        });

        FromCache().Should().BeFalse();
    }

    [Theory]
    [InlineData(0)]
    [InlineData(20)]
    [InlineData(200)]
    [InlineData(-1)]
    public void Load_DamagedEntry_IsMadeAnewWithAWarning(int length)
    {
        var first = Load();
        var entry = Directory.GetFiles(Cache).Single();
        var bytes = File.ReadAllBytes(entry);
        if (length < 0) bytes[bytes.Length / 2] ^= 1;
        else bytes = bytes[..length];
        File.WriteAllBytes(entry, bytes);

        var second = Load();

        _logger.Warnings.Should().ContainSingle().Which.Should().Match($"The cached training data {entry} cannot be used (*); it is made anew");
        ShouldBeEqual(second, first);
        Load();
        FromCache().Should().BeTrue("the damaged entry was replaced");
    }

    [Fact]
    public void Load_FolderCannotBeWritten_GoesOnWithAWarning()
    {
        _folder.Write("cache", "a file where the folder should be");

        Load().Samples.Should().HaveCount(4);

        _logger.Warnings.Should().ContainSingle().Which.Should().Contain("set DataCacheDir to another folder");
    }

    [Fact]
    public async Task Load_SeveralAtOnce_AllGetTheData()
    {
        var expected = Load(isCached: false);

        var all = await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => Task.Run(() => Load())));

        foreach (var data in all) ShouldBeEqual(data, expected);
        Directory.GetFiles(Cache).Should().ContainSingle("each wrote the same entry and left nothing else");
    }

    [Fact]
    public void Load_UnusableData_KeepsNothing()
    {
        FluentActions.Invoking(() => Load(new TrainRequest { OverLong = OverLongSamples.Fail, MaxSeqLength = 100 })).Should().Throw<AlpacaException>();

        Directory.Exists(Cache).Should().BeFalse();
    }

    [Fact]
    public void Load_EntriesOfAMonthAgo_GoAtTheNextWriteUnlessTheyWereUsed()
    {
        Load();
        Load(new TrainRequest { MaxSeqLength = 100 });
        _time.Advance(TimeSpan.FromDays(20));
        Load();
        _time.Advance(TimeSpan.FromDays(20));
        Load(new TrainRequest { MaxSeqLength = 101 });

        Directory.GetFiles(Cache).Should().HaveCount(2);
        Load();
        FromCache().Should().BeTrue("it was used twenty days ago");
    }

    [Fact]
    public void Load_FolderOfTheRequest_WinsAndNoneTurnsItOff()
    {
        var own = _folder.Combine("own");

        Load(new TrainRequest { DataCacheDir = "none" });
        Load(new TrainRequest { DataCacheDir = own });

        Directory.GetFiles(own).Should().ContainSingle();
        Directory.Exists(Cache).Should().BeFalse();
    }

    private bool FromCache()
    {
        var isFrom = _logger.Entries.Any(entry => entry.Message.Contains("from the cache", StringComparison.Ordinal));
        _logger.Entries.RemoveAll(entry => entry.Level == LogLevel.Information);
        return isFrom;
    }

    private EncodedData Load(TrainRequest? request = null, bool isCached = true)
    {
        request = (request ?? new TrainRequest()) with { TokenizerNameOrPath = _tokenizer };
        return EncodedData.Load([Path.GetDirectoryName(_data)!], "training", request, ModelTokenizer.Load(_tokenizer), isCached ? Context() : null);
    }

    private EncodedData LoadText(PretrainRequest request)
        => TextBlocks.Load([_data], "training", request with { TokenizerNameOrPath = _tokenizer }, ModelTokenizer.Load(_tokenizer), Context());

    private StageContext Context() => new()
    {
        OutputFolder = _folder.Path,
        ResumeFolder = _folder.Path,
        CacheFolder = _folder.Combine("cache"),
        Progress = NullProgress.Instance,
        Logger = _logger,
        TimeProvider = _time,
    };

    private static void ShouldBeEqual(EncodedData actual, EncodedData expected)
    {
        actual.Lint.Summary.Should().Equal(expected.Lint.Summary);
        actual.Lint.Warnings.Should().Equal(expected.Lint.Warnings);
        actual.Samples.Should().HaveCount(expected.Samples.Count);
        foreach (var (a, e) in actual.Samples.Zip(expected.Samples))
        {
            a.InputIds.Should().Equal(e.InputIds);
            a.Labels.Should().Equal(e.Labels);
            a.Place.Should().Be(e.Place);
        }
    }
}
