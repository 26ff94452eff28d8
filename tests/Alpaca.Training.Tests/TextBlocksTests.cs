using System.Globalization;
using Alpaca.Abstractions;
using Alpaca.Text;

namespace Alpaca.Training.Tests;

/// <summary>How plain text becomes blocks, and what is told about it.</summary>
public sealed class TextBlocksTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly ModelTokenizer _tokenizer = ModelTokenizer.Load(TinyLlama.Fixture.Tokenizer);

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Load_ManyLines_CutsOneStreamAndKeepsTheRest(bool addEos)
    {
        // More documents than are encoded at one time, so that a block lies across that border too.
        string[] first = [.. Enumerable.Range(0, 5000).Select(i => $"line {i}")], second = ["the last file", .. Enumerable.Range(0, 40).Select(i => $"汉字 {i}")];
        string[] files = [Write("a.txt", string.Join('\n', first)), Write("b.txt", string.Join("\n\n", second))];

        var data = Load(new PretrainRequest { BlockSize = 32, AddEos = addEos }, files);

        int[] stream = [.. first.Concat(second).SelectMany(line => _tokenizer.Encode(line, addBos: true, addEos))];
        data.Samples.SelectMany(block => block.InputIds).Should().Equal(stream);
        data.Samples.SkipLast(1).Should().OnlyContain(block => block.InputIds.Length == 32);
        data.Samples[^1].InputIds.Length.Should().Be(((stream.Length - 1) % 32) + 1);
        data.Samples.Should().OnlyContain(block => block.Labels.SequenceEqual(block.InputIds), "every token is learned");
        data.Samples[0].Place.Should().Be(new RowPlace(files[0], 1, IsLine: true));
        data.Samples[^1].Place.File.Should().Be(files[1]);
    }

    [Fact]
    public void Load_OneTokenRemains_IsLeftOut()
    {
        var tokens = _tokenizer.Encode("some words to cut", addBos: true).Count;

        var data = Load(new PretrainRequest { BlockSize = tokens - 1 }, Write("a.txt", "some words to cut"));

        data.Samples.Should().ContainSingle("one token has nothing to be predicted from");
    }

    [Fact]
    public void Load_Text_TellsSizesFitAndDuplicates()
    {
        var file = Write("a.txt", "hello\n\nworld\nhello\nhello");
        var blank = Write("b.txt", "\n\n");

        var data = Load(new PretrainRequest { BlockSize = 8 }, file, blank);

        var tokens = data.Samples.Sum(block => block.InputIds.Length);
        data.Lint.Summary[0].Should().Be($"training text: 2 files, 7 lines, 4 documents (one a line), {tokens} tokens in {data.Samples.Count} blocks");
        data.Lint.Warnings.Should().Equal(
            "2 of 4 training documents are there more than once and count as often (a.txt, line 4; a.txt, line 5)", $"1 training files have no text ({blank})");
    }

    [Fact]
    public void Load_TextThatTheVocabularyLacks_WarnsThatTheTokenizerDoesNotFit()
    {
        var data = Load(new PretrainRequest(), Write("a.txt", "饕餮魑魅魍魉"));

        var bytes = _tokenizer.Encode("饕餮魑魅魍魉").Count(id => _tokenizer.PieceOf(id)!.StartsWith("<0x", StringComparison.Ordinal));
        bytes.Should().Be(18, "three for each character");
        var share = (double)bytes / (data.Samples[0].InputIds.Length - 1);
        data.Lint.Summary[1].Should().Contain(string.Create(CultureInfo.InvariantCulture, $"{share:P1} of the tokens are single bytes"));
        data.Lint.Warnings.Should().ContainSingle().Which.Should().Contain("the tokenizer does not fit this text");
    }

    [Fact]
    public void Load_OnlyBlankLines_NamesTheFiles()
    {
        var file = Write("a.txt", "\n \n\t\n");

        var act = () => Load(new PretrainRequest(), file);

        act.Should().Throw<AlpacaException>().WithMessage($"There is no text in {file}: every line is blank; *");
    }

    [Fact]
    public void Load_Cancelled_Ends()
    {
        using var cancelled = new CancellationTokenSource();
        cancelled.Cancel();

        var act = () => TextBlocks.Load([Write("a.txt", "text")], "training", new PretrainRequest(), _tokenizer, null, cancelled.Token);

        act.Should().Throw<OperationCanceledException>();
    }

    private EncodedData Load(PretrainRequest request, params string[] files) => TextBlocks.Load(files, "training", request, _tokenizer);

    private string Write(string name, string content) => _folder.Write(name, content);
}
