using System.Text;
using Alpaca.Abstractions;

namespace Alpaca.Text.Tests;

public sealed class InstructionDatasetTests : IDisposable
{
    private const string Row = """{"instruction": "为什么？", "input": "", "output": "因为。"}""";

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("[" + Row + "]")]
    [InlineData("  \n[\n" + Row + "\n]\n")]
    [InlineData(Row)]
    [InlineData("\n" + Row + "\r\n\n")]
    [InlineData("\ufeff[" + Row + "]")]
    [InlineData("\ufeff" + Row)]
    public void Load_ListOrLines_ReadsTheRows(string content)
        => Load(_folder.Write("a.json", content)).Should().Equal(new InstructionSample("为什么？", "", "因为。"));

    [Fact]
    public void Load_RowsWithMoreAndLess_ReadsWhatCounts()
        => Load(_folder.Write("a.json", """
            [{"id": 3, "tags": ["x", {"instruction": 4}], "output": "c\n\u4e2d", "instruction": "a"},
             {"instruction": "a", "input": null, "output": "", "instruction": "b"}]
            """)).Should().Equal(new InstructionSample("a", null, "c\n中"), new InstructionSample("b", null, ""));

    [Fact]
    public void Load_Folder_ReadsItsFilesInOrderOfTheirNames()
    {
        _folder.Write("d/b.jsonl", """{"instruction": "2", "output": "x"}""");
        _folder.Write("d/a.json", """[{"instruction": "1", "output": "x"}]""");
        _folder.Write("d/C.JSON", """[{"instruction": "0", "output": "x"}]""");
        _folder.Write("d/notes.txt", "not data");
        _folder.Write("d/deeper/z.json", "not data");
        InstructionDataset.Load([_folder.Combine("d"), _folder.Combine("d", "a.json")]).Select(sample => sample.Instruction).Should().Equal("0", "1", "2", "1");
    }

    [Theory]
    [InlineData("", "*a.json is empty*")]
    [InlineData(" \n", "*a.json is empty*")]
    [InlineData("\ufeff", "*a.json is empty*")]
    [InlineData("[]", "*a.json is an empty list*")]
    [InlineData("[" + Row + ",\n{\"instruction\": 3", "*a.json, line 2: not JSON after row 2*")]
    [InlineData("[" + Row + ",]", "*a.json, line 1: not JSON after row 1*")]
    [InlineData("[" + Row + "] x", "*a.json, line 1: not JSON after row 1*")]
    [InlineData("just text", "*a.json, line 1: not JSON*one JSON object on each line*")]
    [InlineData(Row + "\n{", "*a.json, line 2: not JSON*")]
    [InlineData(Row + " " + Row, "*a.json, line 1: not JSON*")]
    [InlineData("3", "*a.json, line 1: not an object*")]
    [InlineData("[[]]", "*a.json, row 1: not an object*")]
    [InlineData("[null]", "*a.json, row 1: not an object*")]
    [InlineData("""[{"input": "x", "output": 3}]""", "*a.json, row 1: 'instruction' is missing, 'output' is not a string*")]
    [InlineData("""[{"instruction": null, "output": null, "input": []}]""", "*row 1: 'instruction' is null, 'input' is not a string, 'output' is null*")]
    [InlineData("""[{"instruction": "x"}]""", "*row 1: 'output' is missing*")]
    [InlineData("""[{"instruction": "\ud83d", "output": "x"}]""", "*row 1: 'instruction' holds half of a surrogate pair*")]
    public void Load_BadFile_NamesFileAndRow(string content, string message)
        => FluentActions.Invoking(() => Load(_folder.Write("a.json", content))).Should().Throw<AlpacaException>().WithMessage(message);

    [Fact]
    public void Load_OtherEncoding_SaysUtf8()
    {
        var file = _folder.Combine("gbk.json");
        File.WriteAllBytes(file, [.. "[{\"instruction\": \""u8, 0xD6, 0xD0, .. "\", \"output\": \"x\"}]"u8]);
        FluentActions.Invoking(() => Load(file)).Should().Throw<AlpacaException>().WithMessage("*gbk.json is not UTF-8*");
        File.WriteAllText(file, "[" + Row + "]", Encoding.Unicode);
        FluentActions.Invoking(() => Load(file)).Should().Throw<AlpacaException>().WithMessage("*gbk.json is not UTF-8*");
    }

    [Fact]
    public void Load_SeveralProblems_TellsAllWithALimit()
    {
        var many = _folder.Write("many.jsonl", string.Concat(Enumerable.Repeat("{\"instruction\": \"x\"}\n", 100)));
        var load = () => InstructionDataset.Load([_folder.Combine("missing.json"), _folder.CreateFolder("empty"), many]);
        var lines = load.Should().Throw<AlpacaException>().Which.Message.Split(Environment.NewLine);
        lines.Should().HaveCount(21);
        lines[0].Should().Contain("missing.json does not exist");
        lines[1].Should().Contain("many.jsonl, line 1: 'output' is missing");
        lines[20].Should().Be("... and 82 more.");
    }

    [Fact]
    public void Load_EmptyFolderAndNoSamples_TellsTheFolderToo()
    {
        var load = () => InstructionDataset.Load([_folder.CreateFolder("empty"), _folder.Combine("missing.json")]);
        load.Should().Throw<AlpacaException>().WithMessage("*missing.json does not exist*empty has no .json or .jsonl file*");
    }

    [Fact]
    public void Load_EmptyFolderBesideData_IsPassedOver()
        => InstructionDataset.Load([_folder.CreateFolder("empty"), _folder.Write("a.json", "[" + Row + "]")]).Should().HaveCount(1);

    [Fact]
    public void Load_Nothing_Throws()
        => FluentActions.Invoking(() => InstructionDataset.Load([])).Should().Throw<AlpacaException>();

    [GoldenTheory]
    [InlineData("alpaca_zh_500.json", 500)]
    [InlineData("alpaca_en_300.json", 300)]
    public void Load_PublishedData_ReadsEveryRow(string name, int rows)
        => Load(Golden.Path("datasets", name)).Should().HaveCount(rows);

    private static IReadOnlyList<InstructionSample> Load(string file) => InstructionDataset.Load([file]);
}
