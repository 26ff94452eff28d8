using System.Text;
using Alpaca.Abstractions;

namespace Alpaca.Text.Tests;

public sealed class TextDatasetTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Read_ByLine_SkipsBlankLinesAndKeepsNumbers()
    {
        var file = Write("a.txt", "\uFEFF第一行\r\n\n \t\u3000\r\n  second \nlast");

        var documents = Read(TextDocuments.Line, file);

        documents.Should().Equal(
            new TextDocument("第一行", new RowPlace(file, 1, IsLine: true)),
            new TextDocument("  second ", new RowPlace(file, 4, IsLine: true)),
            new TextDocument("last", new RowPlace(file, 5, IsLine: true)));
    }

    [Fact]
    public void Read_ByParagraph_JoinsLinesUpToABlankOne()
    {
        var file = Write("a.txt", "\na\r\nb\r\n\r\n\r\nc\n \nd\n");

        Read(TextDocuments.Paragraph, file).Select(document => (document.Text, document.Place.Number)).Should().Equal(("a\nb", 2), ("c", 6), ("d", 8));
    }

    [Fact]
    public void Read_ByFile_KeepsBlankLinesWithin()
    {
        var (first, second) = (Write("a.txt", "\n\na\n\nb\n\n"), Write("b.txt", "c"));

        Read(TextDocuments.File, first, second).Select(document => (document.Text, document.Place.File, document.Place.Number)).Should().Equal(("a\n\nb", first, 3), ("c", second, 1));
    }

    [Fact]
    public void Read_LinesLongerThanTheBuffer_AreWhole()
    {
        // Characters of three bytes lie across every border of the buffer.
        string[] lines = [new string('汉', 100_000), "short", new string('字', 30_000), "é" + new string('x', 65_535)];
        var file = Write("a.txt", string.Join("\r\n", lines));

        Read(TextDocuments.Line, file).Select(document => document.Text).Should().Equal(lines);
    }

    [Fact]
    public void Read_Folder_TakesTextFilesInOrdinalOrderOnly()
    {
        Write("b.txt", "2");
        Write("Z.TXT", "1");
        Write("c.md", "no");
        Write("sub/d.txt", "no");

        var text = TextDataset.Open([_folder.Path], TextDocuments.Line);

        text.Read().Select(document => document.Text).Should().Equal("1", "2");
        text.Files.Select(Path.GetFileName).Should().Equal("Z.TXT", "b.txt");
        (text.Lines, text.Bytes).Should().Be((2, 2));
    }

    [Fact]
    public void Read_FileOfBlankLines_IsTold()
    {
        var (blank, empty) = (Write("a.txt", "\n \r\n\t\n"), Write("b.txt", ""));
        var text = TextDataset.Open([blank, empty, Write("c.txt", "text")], TextDocuments.Line);

        text.Read().Should().ContainSingle();
        text.FilesWithoutText.Should().Equal(blank, empty);
        text.Lines.Should().Be(4);
    }

    [Fact]
    public void Read_InvalidUtf8_NamesFileLineAndByteOfEach()
    {
        var good = Write("a.txt", "good");
        var latin = _folder.Combine("latin.txt");
        File.WriteAllBytes(latin, [.. "first\nna"u8, 0xEF, .. "ve\nlast"u8]);
        var cut = _folder.Combine("cut.txt");
        File.WriteAllBytes(cut, Encoding.UTF8.GetBytes("汉字")[..5]);
        var wide = _folder.Combine("wide.txt");
        File.WriteAllText(wide, "text", Encoding.Unicode);

        var act = () => Read(TextDocuments.Line, good, latin, cut, wide);

        act.Should().Throw<AlpacaException>().Which.Message.Split(Environment.NewLine).Should().Equal(
            $"{latin}, line 2: byte 8 of the file is not UTF-8; save it as UTF-8.",
            $"{cut}, line 1: byte 3 of the file is not UTF-8; save it as UTF-8.",
            $"{wide} is UTF-16; save it as UTF-8.");
    }

    [Fact]
    public void Open_NothingToRead_SaysWhat()
    {
        var empty = _folder.CreateFolder("empty");
        Write("other/notes.md", "no text");

        Opening(empty).Should().Throw<AlpacaException>().WithMessage($"{empty} has no .txt file; put text there or name another folder.");
        Opening(_folder.Combine("other")).Should().Throw<AlpacaException>().WithMessage("*other has no .txt file; *");
        Opening(_folder.Combine("absent.txt")).Should().Throw<AlpacaException>().WithMessage("*absent.txt does not exist; *");
        Opening().Should().Throw<AlpacaException>().WithMessage("No text was named; *");
        TextDataset.Open([empty, Write("a.txt", "a")], TextDocuments.Line).Files.Should().ContainSingle("a folder may be filled later");
    }

    private static Action Opening(params string[] paths) => () => TextDataset.Open(paths, TextDocuments.Line);

    private static List<TextDocument> Read(TextDocuments documents, params string[] files) => [.. TextDataset.Open(files, documents).Read()];

    private string Write(string name, string content) => _folder.Write(name, content);
}
