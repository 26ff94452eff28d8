using Alpaca.Abstractions;

namespace Alpaca.Text.Tests;

public sealed class SentencePieceModelTests
{
    [Theory]
    [InlineData("base.model")]
    [InlineData("special.model")]
    [InlineData("unused.model")]
    [InlineData("chinese.model")]
    public void ToByteArray_AsLoaded_IsTheFile(string name)
        => SentencePieceModel.Load(Fixture.Path(name)).ToByteArray().Should().Equal(File.ReadAllBytes(Fixture.Path(name)));

    [GoldenTheory]
    [InlineData("llama.model", 32_000, SentencePieceModelType.Bpe, true, 0)]
    [InlineData("chinese_sp.model", 20_000, SentencePieceModelType.Unigram, false, 0)]
    public void Load_PublishedModels_ReadsPiecesAndSettings(string name, int pieces, SentencePieceModelType type, bool byteFallback, int charsMap)
    {
        var file = Golden.Path("tokenizer", name);
        var model = SentencePieceModel.Load(file);
        model.Pieces.Should().HaveCount(pieces);
        (model.Trainer.ModelType, model.Trainer.ByteFallback).Should().Be((type, byteFallback));
        if (type == SentencePieceModelType.Bpe) (model.Normalizer.Name, model.Normalizer.CharsMapLength).Should().Be(("identity", charsMap));
        else model.Normalizer.CharsMapLength.Should().BePositive();
        model.ToByteArray().Should().Equal(File.ReadAllBytes(file));
    }

    [Fact]
    public void Load_Fixture_ReadsTypesAndSettings()
    {
        var model = SentencePieceModel.Load(Fixture.Path("special.model"));
        model.Pieces.Take(7).Select(piece => (piece.Text, piece.Type)).Should().Equal(
            ("<unk>", SentencePieceType.Unknown), ("<s>", SentencePieceType.Control), ("</s>", SentencePieceType.Control), ("<mask>", SentencePieceType.Control),
            ("☃", SentencePieceType.Control), ("<sep>", SentencePieceType.UserDefined), ("<sep>x", SentencePieceType.UserDefined));
        model.Trainer.Should().Be(new SentencePieceTrainerSettings { ModelType = SentencePieceModelType.Bpe });
        model.Normalizer.Should().Be(new SentencePieceNormalizerSettings { Name = "identity", RemoveExtraWhitespaces = false });
    }

    [Fact]
    public void Append_Pieces_ChangesNothingElse()
    {
        var model = SentencePieceModel.Load(Fixture.Path("base.model"));
        var grown = model.Append([new SentencePiece("中国", 0), new SentencePiece("<x>", -1.5f, SentencePieceType.UserDefined)]);
        var read = SentencePieceModel.Parse(grown.ToByteArray(), "grown");
        read.Pieces.Should().Equal([.. model.Pieces, new SentencePiece("中国", 0), new SentencePiece("<x>", -1.5f, SentencePieceType.UserDefined)]);
        (read.Trainer, read.Normalizer).Should().Be((model.Trainer, model.Normalizer));
        grown.ToByteArray().Length.Should().Be(model.ToByteArray().Length + (2 + 2 + 6 + 5) + (2 + 2 + 3 + 5 + 2));
    }

    [Fact]
    public void Parse_EveryTruncation_IsAModelOrAnErrorThatNamesTheFile()
    {
        var data = File.ReadAllBytes(Fixture.Path("special.model"));
        var failures = 0;
        for (var length = 0; length < data.Length; length += 7)
        {
            try
            {
                SentencePieceModel.Parse(data[..length], "cut.model").Pieces.Should().NotBeEmpty();
            }
            catch (AlpacaException e)
            {
                e.Message.Should().StartWith("cut.model is not a SentencePiece model");
                failures++;
            }
        }
        failures.Should().BeGreaterThan(100);
    }

    [Fact]
    public void Load_EveryKindOfDamage_NeverThrowsAnythingElse()
    {
        var data = File.ReadAllBytes(Fixture.Path("special.model"));
        var random = new Random(7);
        for (var trial = 0; trial < 3000; trial++)
        {
            var damaged = (byte[])data.Clone();
            for (var i = random.Next(1, 5); i > 0; i--) damaged[random.Next(damaged.Length)] = (byte)random.Next(256);
            try
            {
                // What can still be read as a usable tokenizer must also work.
                LlamaTokenizer.Create(SentencePieceModel.Parse(damaged, "damaged.model")).Encode("The sea 学习 <sep> 😀");
            }
            catch (AlpacaException e)
            {
                e.Message.Should().Contain("damaged.model");
            }
        }
    }

    [Theory]
    [InlineData(new byte[0])]
    [InlineData(new byte[] { (byte)'P', (byte)'K', 3, 4, 20, 0, 0, 0 })]
    [InlineData(new byte[] { 0x0A, 0xFF, 0xFF, 0xFF, 0xFF, 0x7F })]
    [InlineData(new byte[] { 0x0A, 0x04, 0x0A, 0x02, 0xC3, 0x28 })] // a piece that is not UTF-8
    [InlineData(new byte[] { 0x0A, 0x02, 0x0A, 0x00 })] // an empty piece
    [InlineData(new byte[] { 0x0A, 0x08, 0x0A, 0x01, 0x61, 0x15, 0x00, 0x00, 0xC0, 0x7F })] // a score that is not a number
    [InlineData(new byte[] { 0x0A, 0x05, 0x0A, 0x01, 0x61, 0x18, 0x63 })] // a type that does not exist
    [InlineData(new byte[] { 0x08, 0x01 })] // pieces as a number
    public void Load_OtherFiles_NamesTheFile(byte[] content)
    {
        using var folder = new TemporaryFolder();
        var file = folder.Combine("tokenizer.model");
        File.WriteAllBytes(file, content);
        FluentActions.Invoking(() => SentencePieceModel.Load(file)).Should().Throw<AlpacaException>().WithMessage($"{file} is not a SentencePiece model*");
    }

    [Theory]
    [InlineData("a", "a", "is there twice")]
    [InlineData("<x>", "b", "no unknown piece")]
    public void Create_ContradictingPieces_SaysWhat(string first, string second, string message)
    {
        static byte[] Piece(string text) => [0x0A, (byte)(text.Length + 2), 0x0A, (byte)text.Length, .. System.Text.Encoding.ASCII.GetBytes(text)];
        byte[] settings = [0x12, 2, 0x18, 2, 0x1A, 2, 0x20, 0]; // BPE, extra spaces kept
        var model = SentencePieceModel.Parse([.. Piece(first), .. Piece(second), .. settings], "odd.model");
        FluentActions.Invoking(() => LlamaTokenizer.Create(model)).Should().Throw<AlpacaException>().WithMessage($"odd.model*{message}*");
    }
}
