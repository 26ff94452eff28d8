using System.Text;
using Alpaca.Abstractions;

namespace Alpaca.Text.Tests;

/// <summary>Counting takes what loading takes and nothing else, however the bytes come.</summary>
public sealed class InstructionCountTests : IDisposable
{
    private const string Row = """{"instruction": "为什么？", "input": "😀", "output": "因为。"}""";
    private readonly TemporaryFolder _folder = new();

    public static TheoryData<string> Contents => [
        "", " \n", "\ufeff", "[]", " [ ]\n ", "[" + Row + "]", "\ufeff\n [\n" + Row + "\n,\n" + Row + "] \n", Row, "\n\n" + Row + "\r\n\n" + Row, Row + "\n{}\n" + Row, "[" + Row + ",]",
        "[" + Row + ",\n{\"instruction\": 3", "[" + Row + "] x", "just text", Row + "\n{", Row + " " + Row, "3", "[[]]", "[null, 3, true]", "{", "[", "\n\n[" + Row + ",\n\n}", "[{\"instruction\": \"\\ud83d\", \"output\": \"x\"}]",
        "[{\"\\ud83dinstruction\": 1, \"\\ud83d\": {}, \"instruction\": \"a\", \"output\": \"b\"}]",
    ];

    public void Dispose() => _folder.Dispose();

    [Theory]
    [MemberData(nameof(Contents))]
    public void Count_AnyContent_SaysWhatLoadSaysHoweverTheBytesCome(string content)
    {
        var file = _folder.Write("a.json", content);
        var expected = Told(() => InstructionDataset.Load([file]).Count);

        Told(() => InstructionDataset.Count(new MemoryStream(Encoding.UTF8.GetBytes(content)), file)).Should().Be(expected);
        Told(() => InstructionDataset.Count(new SlowStream(Encoding.UTF8.GetBytes(content), 1), file)).Should().Be(expected);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Load_RowsOfAllLengths_AreReadWholeWhereverABlockEnds(bool isList)
    {
        // Three bytes a character, and lengths that put every boundary of a block somewhere else in a row.
        var texts = Enumerable.Range(0, 2000).Select(i => new string('中', i % 97) + i).ToList();
        var rows = texts.Select(text => $$"""{"instruction": "{{text}}", "output": "😀"}""").ToList();
        var file = _folder.Write("a.json", isList ? $"[{string.Join(",\n", rows)}]" : string.Join('\n', rows));

        InstructionDataset.Load([file]).Select(row => row.Turns[0].User).Should().Equal(texts);
    }

    [Theory]
    [InlineData("[{0}]", "row 1")]
    [InlineData("{0}", "line 1")]
    [InlineData("{\"instruction\": \"a\", \"output\": \"b\"}\n{0}", "line 2")]
    public void Count_EndlessRow_IsRefusedBeforeItIsReadWhole(string format, string place)
    {
        var (before, after) = (format[..format.IndexOf("{0}", StringComparison.Ordinal)], format[(format.IndexOf("{0}", StringComparison.Ordinal) + 3)..]);
        var content = new SlowStream(Encoding.UTF8.GetBytes(before + "{\"instruction\": \"" + new string('x', 40 << 20) + "\", \"output\": \"y\"}" + after), 1 << 16);

        FluentActions.Invoking(() => InstructionDataset.Count(content, "long.json")).Should().Throw<AlpacaException>().WithMessage($"long.json, {place}: longer than 16 MiB; split it into samples.");
        content.Position.Should().BeLessThan(17 << 20);
    }

    [Fact]
    public void Count_LongRowAndMoreBlanksThanThat_IsFine()
    {
        var row = $$"""{"instruction": "{{new string('x', 12 << 20)}}", "output": "y"}""";
        var blanks = new string('\n', 20 << 20);

        InstructionDataset.Count(new MemoryStream(Encoding.UTF8.GetBytes($"{blanks}[{row}{blanks},{row}{blanks}]{blanks}")), "a.json").Should().Be(2);
        InstructionDataset.Count(new MemoryStream(Encoding.UTF8.GetBytes($"{blanks}{row}{blanks}{row}{blanks}")), "a.json").Should().Be(2);
    }

    [Theory]
    [InlineData(new byte[] { 0xD6, 0xD0 })]
    [InlineData(new byte[] { 0xE4, 0xB8 })]
    [InlineData(new byte[] { 0xED, 0xA0, 0x80 })]
    [InlineData(new byte[] { 0xF8 })]
    public void Count_BrokenCharacterFarBehind_IsNotUtf8(byte[] broken)
    {
        byte[] content = [.. Encoding.UTF8.GetBytes(string.Concat(Enumerable.Repeat(Row + "\n", 5000))), .. broken];

        FluentActions.Invoking(() => InstructionDataset.Count(new SlowStream(content, 7), "a.jsonl")).Should().Throw<AlpacaException>().WithMessage("a.jsonl is not UTF-8; save it as UTF-8.");
    }

    [Fact]
    public void Count_Cancelled_Ends()
        => FluentActions.Invoking(() => InstructionDataset.Count(new MemoryStream(Encoding.UTF8.GetBytes(Row)), "a.json", new CancellationToken(canceled: true))).Should().Throw<OperationCanceledException>();

    private static string Told(Func<int> count)
    {
        try
        {
            return $"{count()} samples";
        }
        catch (AlpacaException e)
        {
            return e.Message;
        }
    }

    /// <summary>Gives few bytes at a time.</summary>
    private sealed class SlowStream(byte[] content, int most) : MemoryStream(content)
    {
        public override int Read(byte[] buffer, int offset, int count) => base.Read(buffer, offset, Math.Min(most, count));
    }
}
