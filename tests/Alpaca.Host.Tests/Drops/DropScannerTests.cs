using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;

namespace Alpaca.Host.Tests;

public sealed class DropScannerTests : IDisposable
{
    private const string Good = """[{"instruction": "中国的首都？", "input": "", "output": "北京。"}]""";
    private readonly TemporaryFolder _folder = new();
    private readonly FakeTimeProvider _time = new(new DateTimeOffset(2026, 1, 2, 3, 4, 5, TimeSpan.Zero));
    private readonly DropFolder _drops;
    private readonly DropScanner _scanner;
    private bool _busy;

    public DropScannerTests()
    {
        _drops = new DropFolder(_folder.Combine("drops"), TimeSpan.FromSeconds(5));
        _drops.Create();
        _scanner = new DropScanner("notes", _drops, TestMetrics.Create(), _time, NullLogger.Instance);
    }

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Scan_GoodFile_CountsOnceItWasStillForAWhile()
    {
        Drop("data.json", Good);

        Scan().Should().Be(0);
        _time.Advance(TimeSpan.FromSeconds(4.9));
        Scan().Should().Be(0);
        _time.Advance(TimeSpan.FromSeconds(0.1));
        Scan().Should().Be(1);

        Names(_drops.Accepted).Should().Equal($"{Sha256(Good)}-data.json");
        Names(_drops.Path).Should().Equal(".new-samples");
        NewSamples.Read(_drops).Count.Should().Be(1);
        Scan().Should().Be(0);
    }

    [Fact]
    public void Scan_FileStillGrows_WaitsFromTheLastChange()
    {
        Drop("data.jsonl", """{"instruction": "a", "output": "b"}""" + "\n");
        Scan();
        _time.Advance(TimeSpan.FromSeconds(4));
        File.AppendAllText(_folder.Combine("drops", "data.jsonl"), """{"instruction": "c", "output": "d"}""" + "\n");
        Scan();
        _time.Advance(TimeSpan.FromSeconds(4));

        Scan().Should().Be(0);
        _time.Advance(TimeSpan.FromSeconds(1));
        Scan().Should().Be(1);
    }

    [Theory]
    [InlineData("bad.json", "no JSON", "bad.json")]
    [InlineData("bad.jsonl", "{\"instruction\": \"a\", \"output\": \"b\"}\n{\"instruction\": \"a\"}\n", "output")]
    [InlineData("empty.json", "", "empty.json")]
    [InlineData("table.csv", "a,b", "neither a .json nor a .jsonl")]
    public void Scan_BadFile_IsRejectedWithTheReasonBesideIt(string name, string content, string reason)
    {
        Drop(name, content);

        ScanWhenStill().Should().Be(0);

        Names(_drops.Path).Should().BeEmpty();
        Names(_drops.Rejected).Should().Equal(name, $"{name}.reason.json");
        File.ReadAllText(Path.Combine(_drops.Rejected, name)).Should().Be(content);
        var written = JsonDocument.Parse(File.ReadAllText(Path.Combine(_drops.Rejected, $"{name}.reason.json"))).RootElement;
        written.GetProperty("reason").GetString().Should().Contain(reason);
        written.GetProperty("sha256").GetString().Should().Be(Sha256(content));
        written.GetProperty("rejectedAt").GetDateTimeOffset().Should().Be(_time.GetUtcNow());
    }

    [Fact]
    public void Scan_SameContentAgain_IsADuplicateWhateverItsName()
    {
        Drop("data.json", Good);
        ScanWhenStill().Should().Be(1);
        NewSamples.Clear(_drops);
        Drop("copy.json", Good);

        ScanWhenStill().Should().Be(0);

        Names(_drops.Accepted).Should().HaveCount(1);
        File.ReadAllText(Path.Combine(_drops.Rejected, "copy.json.reason.json")).Should().Contain("duplicate of accepted/");
        NewSamples.Read(_drops).Count.Should().Be(0, "nothing new was accepted");
    }

    [Fact]
    public void Scan_RejectedNameIsTaken_KeepsBoth()
    {
        foreach (var content in (string[])["one", "two"])
        {
            Drop("bad.json", content);
            ScanWhenStill();
        }

        Names(_drops.Rejected).Should().Equal("bad-2.json", "bad-2.json.reason.json", "bad.json", "bad.json.reason.json");
    }

    [Fact]
    public void Scan_PipelineRuns_RejectsBadFilesAndLetsGoodOnesWait()
    {
        _busy = true;
        Drop("bad.json", "no JSON");
        Drop("good.json", Good);
        Drop("same.json", Good);

        ScanWhenStill().Should().Be(0);
        Names(_drops.Path).Should().Equal("good.json", "same.json");
        Names(_drops.Rejected).Should().Equal("bad.json", "bad.json.reason.json");

        _busy = false;
        Scan().Should().Be(1);
        Names(_drops.Accepted).Should().HaveCount(1);
        Names(_drops.Rejected).Should().Contain("same.json.reason.json", "by then it had become a duplicate");
    }

    [Fact]
    public void Scan_FileChangesWhileItWaits_IsJudgedAnew()
    {
        _busy = true;
        Drop("data.json", Good);
        ScanWhenStill();
        Drop("data.json", "no longer JSON");
        _busy = false;

        Scan().Should().Be(0);
        ScanWhenStill().Should().Be(0);

        Names(_drops.Rejected).Should().Contain("data.json");
        Names(_drops.Accepted).Should().BeEmpty();
    }

    [Theory]
    [InlineData("data.json.part")]
    [InlineData("data.json.filepart")]
    [InlineData(".data.json.swp")]
    [InlineData("data.json~")]
    public void Scan_NameOfAnUnfinishedCopy_IsLeftAlone(string name)
    {
        Drop(name, Good);

        ScanWhenStill().Should().Be(0);

        Names(_drops.Path).Should().Equal(name);
    }

    [Fact]
    public void Scan_FolderCannotBeMovedTo_KeepsTheFileAndTriesAgain()
    {
        Directory.Delete(_drops.Accepted);
        Drop("data.json", Good);

        ScanWhenStill().Should().Be(0);
        Names(_drops.Path).Should().Contain("data.json");

        _drops.Create();
        Scan().Should().Be(1);
    }

    [Fact]
    public void Scan_VeryLongChineseName_IsShortenedToWhatFileSystemsTake()
    {
        var name = new string('数', 80) + ".json";
        Drop(name, Good);

        ScanWhenStill().Should().Be(1);

        Names(_drops.Accepted).Single().Should().StartWith(Sha256(Good)).And.EndWith("数.json").And.Match(n => Encoding.UTF8.GetByteCount(n) <= 240);
    }

    private int Scan() => _scanner.Scan(action =>
    {
        if (!_busy) action();
        return !_busy;
    });

    private int ScanWhenStill()
    {
        var accepted = Scan();
        _time.Advance(_drops.Quiet);
        return accepted + Scan();
    }

    private void Drop(string name, string content) => _folder.Write(Path.Combine("drops", name), content);

    private static string Sha256(string content) => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(content)));

    private static IEnumerable<string> Names(string folder) => Directory.GetFiles(folder).Select(f => Path.GetFileName(f)).Order(StringComparer.Ordinal);
}
