using System.Text;
using Alpaca.Abstractions;
using FluentAssertions.Equivalency;

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
        => Load(_folder.Write("a.json", content)).Should().BeEquivalentTo([Conversation.Of("为什么？", "", "因为。")], SamePlaceOrNot);

    [Fact]
    public void Load_RowsWithMoreAndLess_ReadsWhatCounts()
        => Load(_folder.Write("a.json", """
            [{"id": 3, "tags": ["x", {"instruction": 4}], "output": "c\n\u4e2d", "instruction": "a"},
             {"instruction": "a", "input": null, "output": "", "instruction": "b"}]
            """)).Should().BeEquivalentTo([Conversation.Of("a", null, "c\n中"), Conversation.Of("b", null, "")], SamePlaceOrNot);

    [Fact]
    public void Load_Folder_ReadsItsFilesInOrderOfTheirNames()
    {
        _folder.Write("d/b.jsonl", """{"instruction": "2", "output": "x"}""");
        _folder.Write("d/a.json", """[{"instruction": "1", "output": "x"}]""");
        _folder.Write("d/C.JSON", """[{"instruction": "0", "output": "x"}]""");
        _folder.Write("d/notes.txt", "not data");
        _folder.Write("d/deeper/z.json", "not data");
        InstructionDataset.Load([_folder.Combine("d"), _folder.Combine("d", "a.json")]).Select(sample => sample.Turns[0].User).Should().Equal("0", "1", "2", "1");
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
    public void Load_History_ComesBeforeTheQuestion()
        => Load(_folder.Write("a.json", """
            [{"instruction": "c", "input": "i", "output": "d", "history": [["a", "b"], ["x", ""]], "system": "S"},
             {"instruction": "c", "output": "d", "history": null, "system": null}]
            """)).Should().BeEquivalentTo(
                [new Conversation([new("a", "b"), new("x", ""), new("c\ni", "d")], "S"), Conversation.Of("c", null, "d")], SamePlaceOrNot);

    [Theory]
    [InlineData("""{"messages": [{"role": "system", "content": "S"}, {"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}, {"role": "user", "content": "c"}, {"role": "assistant", "content": "d"}]}""")]
    [InlineData("""{"id": 1, "messages": [{"role": "developer", "content": "S"}, {"role": "user", "content": [{"type": "text", "text": "a"}]}, {"role": "assistant", "content": "b"}, {"role": "user", "content": "c"}, {"role": "assistant", "content": "d"}]}""")]
    [InlineData("""{"conversations": [{"from": "system", "value": "S"}, {"from": "human", "value": "a"}, {"from": "gpt", "value": "b"}, {"from": "human", "value": "c"}, {"from": "gpt", "value": "d"}]}""")]
    [InlineData("""{"system": "S", "conversations": [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}, {"from": "user", "value": "c"}, {"from": "assistant", "value": "d"}]}""")]
    public void Load_Messages_AreTurns(string row)
        => Load(_folder.Write("a.jsonl", row)).Should().BeEquivalentTo([new Conversation([new("a", "b"), new("c", "d")], "S")], SamePlaceOrNot);

    [Fact]
    public void Load_TwoQuestionsInARow_AreAskedTogether()
        => Load(_folder.Write("a.jsonl", """{"messages": [{"role": "user", "content": "a"}, {"role": "user", "content": "b"}, {"role": "assistant", "content": "c"}]}"""))
            .Should().BeEquivalentTo([new Conversation([new("a", null), new("b", "c")])], SamePlaceOrNot);

    [Theory]
    [InlineData("""{"messages": []}""", "*'messages' is not a list of messages*")]
    [InlineData("""{"conversations": "x"}""", "*'conversations' is not a list of messages*")]
    [InlineData("""{"messages": [{"role": "user", "content": "a"}]}""", "*it ends without an answer*")]
    [InlineData("""{"messages": [{"role": "assistant", "content": "a"}]}""", "*message 1 answers although nothing was asked*")]
    [InlineData("""{"messages": [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}, {"role": "assistant", "content": "c"}]}""", "*message 3 answers although*")]
    [InlineData("""{"messages": [{"role": "user", "content": "a"}, {"role": "tool", "content": "b"}]}""", "*message 2 has the role 'tool'*")]
    [InlineData("""{"messages": [{"role": "user", "content": "a"}, {"role": "system", "content": "b"}]}""", "*message 2 is a system text in the middle*")]
    [InlineData("""{"messages": [{"role": "user", "content": [{"type": "image_url"}]}]}""", "*'content' of message 1 has a part that is not text*")]
    [InlineData("""{"messages": [{"from": "user", "content": "a"}]}""", "*message 1 has neither role and content nor from and value*")]
    [InlineData("""{"conversations": [{"from": "human", "value": 3}]}""", "*'value' of message 1 is not a string*")]
    [InlineData("""{"instruction": "a", "output": "b", "history": [["a"]]}""", "*turn 1 of 'history' is not ?question, answer?*")]
    [InlineData("""{"instruction": "a", "output": "b", "history": [["a", null]]}""", "*answer in turn 1 of 'history' is null*")]
    public void Load_BadConversation_NamesTheMessage(string row, string message)
        => FluentActions.Invoking(() => Load(_folder.Write("a.jsonl", row))).Should().Throw<AlpacaException>().WithMessage("*a.jsonl, line 1: " + message);

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

    [Fact]
    public void Load_Rows_KnowTheirPlaces()
    {
        var list = _folder.Write("a.json", "[" + Row + "," + Row + "]");
        var lines = _folder.Write("b.jsonl", "\n" + Row);
        InstructionDataset.Load([list, lines]).Select(c => c.Place.ToString()).Should().Equal($"{list}, row 1", $"{list}, row 2", $"{lines}, line 2");
    }

    [Fact]
    public void LoadQuestions_RowsWithAndWithoutAnswers_KeepsTheAnswersThereAre()
    {
        var file = _folder.Write("questions.jsonl", """
            {"prompt": "a"}
            {"instruction": "b", "input": "c"}
            {"instruction": "d", "output": ""}
            {"instruction": "e", "output": "f", "history": [["g", "h"]], "system": "s"}
            {"messages": [{"role": "user", "content": "i"}]}
            {"messages": [{"role": "user", "content": "j"}, {"role": "assistant", "content": "k"}]}
            """);
        InstructionDataset.LoadQuestions([file]).Should().BeEquivalentTo(
            [
                new Conversation([new ChatTurn("a", null)]), new Conversation([new ChatTurn("b\nc", null)]), new Conversation([new ChatTurn("d", null)]),
                new Conversation([new ChatTurn("g", "h"), new ChatTurn("e", "f")], "s"), new Conversation([new ChatTurn("i", null)]), new Conversation([new ChatTurn("j", "k")]),
            ],
            SamePlaceOrNot);
    }

    [Theory]
    [InlineData("""{"output": "x"}""", "*questions.jsonl, line 1: 'instruction' is missing*")]
    [InlineData("""{"prompt": 3}""", "*line 1: 'prompt' is not a string*")]
    [InlineData("""{"prompt": "a", "output": 3}""", "*line 1: 'output' is not a string*")]
    [InlineData("""{"messages": [{"role": "system", "content": "a"}]}""", "*line 1: it has no question*")]
    public void LoadQuestions_BadRow_TellsWhatAndWhere(string row, string message)
    {
        var file = _folder.Write("questions.jsonl", row);
        FluentActions.Invoking(() => InstructionDataset.LoadQuestions([file])).Should().Throw<AlpacaException>().WithMessage(message);
    }

    [Fact]
    public void Load_Prompt_IsNoTrainingData()
        => FluentActions.Invoking(() => Load(_folder.Write("a.json", """[{"prompt": "a", "output": "b"}]"""))).Should().Throw<AlpacaException>().WithMessage("*'instruction' is missing*");

    private static EquivalencyAssertionOptions<Conversation> SamePlaceOrNot(EquivalencyAssertionOptions<Conversation> options)
        => options.WithStrictOrdering().Excluding(conversation => conversation.Place);

    private static IReadOnlyList<Conversation> Load(string file) => InstructionDataset.Load([file]);
}
