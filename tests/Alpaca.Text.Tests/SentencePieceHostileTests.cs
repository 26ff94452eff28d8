using System.Buffers.Binary;
using System.Text;
using Alpaca.Abstractions;

namespace Alpaca.Text.Tests;

/// <summary>Thousands of damaged SentencePiece models, and the cases that are known by name.</summary>
public sealed class SentencePieceHostileTests : IDisposable
{
    // A setting of two bytes makes the settings anew; a piece of five is an object, a text and a place in a list (measured: 32.0 and 23 to the byte). The tables of a tokenizer are held against what a file of any size gives: a table of all characters
    // (256 KB) and, of each character of a piece, the merges that end there.
    private static readonly AllocationBound ModelBound = new(16 << 10, 32), TokenizerBound = new(2 << 20, 256);

    private static readonly byte[] Settings = [0x12, 2, 0x18, 2, 0x1A, 2, 0x20, 0]; // BPE, extra spaces kept
    private static readonly byte[][] Files = [Concat(Piece("<unk>", type: 2), Piece("a"), Piece("▁a", -1), Piece("中"), Piece("<s>", type: 3), Piece("<sep>", type: 4), Settings), .. Fixtures()];

    private readonly TemporaryFolder _folder = new();

    private string FilePath => _folder.Combine("hostile.model");

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Load_ChangedBytes_AreRefusedByNameOrUsable()
    {
        var run = Run(Changed, TokenizerBound, ReadTokenizer).Over(0, 2500);

        run.Refused.Should().BeGreaterThan(800);
        run.Opened.Should().BeGreaterThan(100);
    }

    [Fact]
    public void Load_FieldsThatLie_AreRefusedByNameOrUsable()
    {
        var run = Run(Fields, ModelBound, ReadModel).Over(10_000, 2500);

        run.Refused.Should().BeGreaterThan(300);
        run.Opened.Should().BeGreaterThan(300);
    }

    [Fact]
    public void Load_CutShortAtEveryByte_IsRefusedByNameOrAModelOfTheWholePiecesBefore()
    {
        var length = -2; // two rounds warm up

        Run(_ => Files[0][..Math.Max(0, length++)], ModelBound, ReadModel).Over(0, Files[0].Length).Refused.Should().BeGreaterThan(Files[0].Length / 2);
    }

    [Fact, Trait("Category", "Slow")]
    public void Load_ManyMoreOfEveryKind_AreRefusedByNameOrUsable()
    {
        Run(Changed, TokenizerBound, ReadTokenizer).Over(1_000_000, 50_000, stopAfter: TimeSpan.FromSeconds(10));
        Run(Fields, ModelBound, ReadModel).Over(2_000_000, 50_000, stopAfter: TimeSpan.FromSeconds(8));
    }

    [Theory]
    [InlineData("pieces", new byte[] { 0x0A, 3, 0x0A, 1, (byte)'a' })]
    [InlineData("types", new byte[] { 0x12, 2, 0x18, 2 })]
    [InlineData("texts", new byte[] { 0x12, 3, 0xE2, 2, 0 })]
    [InlineData("normalizers", new byte[] { 0x1A, 2, 0x20, 0 })]
    [InlineData("denormalizers", new byte[] { 0x2A, 2, 0x20, 0 })]
    [InlineData("unknown fields", new byte[] { 0x30, 0 })]
    public void Load_OneFieldOverAndOver_StaysInBounds(string what, byte[] field) =>
        Run(_ => [.. Files[0], .. Enumerable.Repeat(field, (1 << 19) / field.Length).SelectMany(f => f)], ModelBound, ReadModel).Over(what.Length, 1).Opened.Should().Be(1);

    [Theory]
    [InlineData("types", 0x12, new byte[] { 0x18, 2 })]
    [InlineData("flags", 0x12, new byte[] { 0x98, 2, 1 })]
    [InlineData("surfaces", 0x12, new byte[] { 0xE2, 2, 0 })]
    [InlineData("settings", 0x1A, new byte[] { 0x20, 0 })]
    [InlineData("names", 0x1A, new byte[] { 0x0A, 0 })]
    public void Load_OneSettingOverAndOver_StaysInBounds(string what, byte message, byte[] field)
    {
        var body = Enumerable.Repeat(field, (1 << 19) / field.Length).SelectMany(f => f).ToArray();

        Run(_ => [.. Files[0], message, .. Varint((ulong)body.Length), .. body], ModelBound, ReadModel).Over(what.Length, 1).Opened.Should().Be(1);
    }

    [Fact]
    public void Create_OnePieceOfHalfAMillionCharacters_IsRefusedAtOnce()
    {
        // Every split of a piece is looked up; of one this long that would be 10^11 steps.
        Run(_ => Concat(Piece("<unk>", type: 2), Piece(new string('a', 1 << 19)), Settings), TokenizerBound, ReadTokenizer).Over(0, 1).Refused.Should().Be(1);
        FluentActions.Invoking(ReadTokenizer).Should().Throw<AlpacaException>().WithMessage("*hostile.model*piece 1 is 524288 characters long*");
    }

    [Fact]
    public void Create_OneUserDefinedPieceOfHalfAMillionCharacters_IsRefusedAtOnce()
    {
        // Wherever a text begins like it, it would be read so far.
        Run(_ => Concat(Piece("<unk>", type: 2), Piece(new string('a', 1 << 19), type: 4), Settings), TokenizerBound, ReadTokenizer).Over(0, 1).Refused.Should().Be(1);
        FluentActions.Invoking(ReadTokenizer).Should().Throw<AlpacaException>().WithMessage("*hostile.model*user-defined piece 1 is 524288 characters long*");
    }

    [Fact]
    public void Create_PiecesThatAllMergeIntoEachOther_StaysInBounds() =>
        Run(_ => Concat([Piece("<unk>", type: 2), .. Enumerable.Range(1, 200).Select(n => Piece(new string('a', n), -n)), Settings]), TokenizerBound, ReadTokenizer).Over(0, 1).Opened.Should().Be(1);

    [Fact]
    public void Create_PiecesTooLongToTakeApartInTotal_AreRefusedAtOnce()
    {
        // Each is allowed by itself; looking at every split of many such would take too long.
        Run(_ => Concat([Piece("<unk>", type: 2), .. Enumerable.Range(0, 5000).Select(n => Piece($"{n:x6}{new string('a', 506)}")), Settings]), TokenizerBound, ReadTokenizer).Over(0, 1).Refused.Should().Be(1);
        FluentActions.Invoking(ReadTokenizer).Should().Throw<AlpacaException>().WithMessage("*hostile.model*first 4098 pieces*too long*");
    }

    [Fact, Trait("Category", "Slow")]
    public void Create_MoreWaysToMergeThanFitIntoMemory_IsRefused()
    {
        // Of every run of a and then b, all splits merge: 3 * 10^4 pieces, 6 * 10^6 merges.
        var runs = Enumerable.Range(1, 235).SelectMany(length => Enumerable.Range(0, length + 1).Select(bs => Piece(new string('a', length - bs) + new string('b', bs))));
        Run(_ => Concat([Piece("<unk>", type: 2), .. runs, Settings]), TokenizerBound, ReadTokenizer).Over(0, 1).Refused.Should().Be(1);
        FluentActions.Invoking(ReadTokenizer).Should().Throw<AlpacaException>().WithMessage("*hostile.model*more than 4194304 ways*");
    }

    [Fact, Trait("Category", "Slow")]
    public void Create_AMillionPieces_StaysInBounds()
    {
        var file = Concat([Piece("<unk>", type: 2), .. Enumerable.Range(0, 1_000_000).Select(n => Piece(string.Concat($"{n:x5}".Select(digit => (char)(digit + 0x4E00))))), Settings]);
        Run(_ => file, TokenizerBound, ReadTokenizer).Over(0, 1).Opened.Should().Be(1);
    }

    [Fact]
    public void Encode_ManyUserDefinedPiecesThatBeginAlike_TakesTimeInProportionToTheText()
    {
        // Each begins at every place but the last forty, and one is there.
        File.WriteAllBytes(FilePath, Concat([Piece("<unk>", type: 2), Piece("a"), .. Enumerable.Range(0, 20_000).Select(n => Piece($"{new string('a', 40)}X{n:x}", type: 4)), Settings]));
        var tokenizer = LlamaTokenizer.Create(SentencePieceModel.Load(FilePath));

        tokenizer.CountTokens(new string('a', 100_000) + "X4e1f").Should().Be(1 + 100_000 - 40 + 1); // the space mark is unknown
    }

    [Fact]
    public void Create_ByteFallbackWithoutBytes_IsRefused()
    {
        byte[] byteFallback = [0x12, 3, 0x98, 2, 1];
        File.WriteAllBytes(FilePath, Concat(Piece("<unk>", type: 2), Piece("a"), byteFallback, Settings));
        FluentActions.Invoking(ReadTokenizer).Should().Throw<AlpacaException>().WithMessage("*hostile.model*lacks some of the 256*");
    }

    [Theory]
    [InlineData("<0xZZ>")]
    [InlineData("<0x1>")]
    [InlineData("a")]
    public void Create_BytePieceThatNamesNoByte_IsRefused(string piece)
    {
        File.WriteAllBytes(FilePath, Concat(Piece("<unk>", type: 2), Piece(piece, type: 6), Settings));
        FluentActions.Invoking(ReadTokenizer).Should().Throw<AlpacaException>().WithMessage($"*hostile.model*'{piece}' is not written like*");
    }

    [Fact]
    public void Create_ManyControlPieces_StaysInBounds() =>
        Run(_ => Concat([Piece("<unk>", type: 2), .. Enumerable.Range(0, 30_000).Select(n => Piece($"{n:x}", type: 3)), Settings]), TokenizerBound, ReadTokenizer).Over(0, 1).Opened.Should().Be(1);

    [Fact]
    public void Load_ManyAdditionalTokens_TakesTimeInProportion()
    {
        File.WriteAllBytes(_folder.Combine("tokenizer.model"), Files[0]);
        _folder.Write("special_tokens_map.json", $$"""{"additional_special_tokens":[{{string.Join(',', Enumerable.Range(0, 60_000).Select(i => $"\"x{i:x}\""))}}]}""");

        LlamaTokenizer.Load(_folder.Path).VocabularySize.Should().Be(6 + 60_000);
    }

    [Theory]
    [InlineData(new byte[] { 0x0A, 0x80 }, "*the middle of a field*")] // a length without its end
    [InlineData(new byte[] { 0x0A, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x01 }, "*the middle of a field*")] // 2^64 - 1 bytes
    [InlineData(new byte[] { 0x0A, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x7F }, "*the middle of a field*")] // 2^63 - 1 bytes
    [InlineData(new byte[] { 0x0A, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x01 }, "*longer than 64 bits*")]
    [InlineData(new byte[] { 0x0A, 0x03, 0x0A, 0x05, (byte)'a' }, "*the middle of a field*")] // the inner field reaches beyond the outer one
    [InlineData(new byte[] { 0x00, 0x00 }, "*no valid number*")]
    [InlineData(new byte[] { 0xFA, 0xFF, 0xFF, 0xFF, 0xFF, 0x01, 0x00 }, "*no valid number*")]
    [InlineData(new byte[] { 0x0B, 0x0C }, "*unknown wire type 3*")] // a group
    [InlineData(new byte[] { 0x0A, 0x00 }, "*piece 0 is empty*")]
    [InlineData(new byte[] { 0x0A, 0x08, 0x0A, 0x01, 0x61, 0x15, 0x00, 0x00, 0xC0, 0x7F }, "*score of piece 0*")] // not a number
    [InlineData(new byte[] { 0x0A, 0x08, 0x0A, 0x01, 0x61, 0x15, 0x00, 0x00, 0x80, 0xFF }, "*score of piece 0*")] // minus infinity
    [InlineData(new byte[] { 0x0A, 0x05, 0x0A, 0x03, 0xED, 0xA0, 0x80 }, "*damaged*")] // half of a surrogate pair
    [InlineData(new byte[] { 0x0A, 0x04, 0x0A, 0x02, 0xC0, 0x80 }, "*damaged*")] // U+0000 in two bytes
    public void Load_MalformedFields_SayWhatIsWrong(byte[] file, string message)
    {
        File.WriteAllBytes(FilePath, file);
        FluentActions.Invoking(() => SentencePieceModel.Load(FilePath)).Should().Throw<AlpacaException>().WithMessage(message).WithMessage("*hostile.model*");
    }

    [Fact]
    public void Create_TheSamePieceTwice_IsRefused()
    {
        File.WriteAllBytes(FilePath, Concat(Piece("<unk>", type: 2), Piece("ab"), Piece("ab"), Settings));
        FluentActions.Invoking(ReadTokenizer).Should().Throw<AlpacaException>().WithMessage("*hostile.model*piece 2 'ab' is there twice*");
    }

    [Fact]
    public void Load_DirectoryOrHugeFile_IsRefused()
    {
        FluentActions.Invoking(() => SentencePieceModel.Load(_folder.Path)).Should().Throw<AlpacaException>().WithMessage($"{_folder.Path} is a folder*");
        using (var file = File.Create(FilePath)) file.SetLength(33 << 20);
        FluentActions.Invoking(() => SentencePieceModel.Load(FilePath)).Should().Throw<AlpacaException>().WithMessage("*hostile.model is 33 MB long*");
    }

    private static byte[] Changed(Random random) => Mutation.Of(Files[random.Next(Files.Length)], Files[random.Next(Files.Length)], random);

    /// <summary>A model put together field by field, some of them odd.</summary>
    private static byte[] Fields(Random random)
    {
        using var output = new MemoryStream();
        output.Write(Piece("<unk>", type: 2));
        for (var n = random.Next(8); n > 0; n--)
        {
            var body = random.Next(12) == 0 ? Odd(random) : random.Next(3) switch
            {
                0 => Piece(((char)random.Next(1, 0xD800)).ToString(), random.NextSingle())[2..],
                1 => [0x18, (byte)random.Next(7)],
                _ => [0x0A, 1, (byte)random.Next(128)],
            };
            output.WriteByte((byte)(random.Next(10) == 0 ? random.Next(256) : new[] { 0x0A, 0x0A, 0x12, 0x1A, 0x2A }[random.Next(5)]));
            output.Write(Varint(random.Next(15) == 0 ? (ulong)random.NextInt64(long.MinValue, long.MaxValue) >> random.Next(64) : (ulong)body.Length));
            output.Write(body);
        }
        output.Write(Settings);
        return output.ToArray();
    }

    private static byte[] Odd(Random random)
    {
        var bytes = new byte[random.Next(1, 24)];
        random.NextBytes(bytes);
        return bytes;
    }

    private static byte[][] Fixtures() => [File.ReadAllBytes(Fixture.Path("special.model")), File.ReadAllBytes(Fixture.Path("unused.model"))];

    private static byte[] Piece(string text, float score = 0, byte type = 1)
    {
        var utf8 = Encoding.UTF8.GetBytes(text);
        var scoreBytes = new byte[4];
        BinaryPrimitives.WriteSingleLittleEndian(scoreBytes, score);
        byte[] body = [0x0A, .. Varint((ulong)utf8.Length), .. utf8, 0x15, .. scoreBytes, 0x18, type];
        return [0x0A, .. Varint((ulong)body.Length), .. body];
    }

    private static byte[] Varint(ulong value)
    {
        var bytes = new List<byte>();
        for (; value >= 0x80; value >>= 7) bytes.Add((byte)(value | 0x80));
        return [.. bytes, (byte)value];
    }

    private static byte[] Concat(params byte[][] parts) => [.. parts.SelectMany(part => part)];

    private HostileRun Run(Func<Random, byte[]> make, AllocationBound bound, Action read) => new("hostile.model", bound, make, bytes => File.WriteAllBytes(FilePath, bytes), read);

    private void ReadModel()
    {
        var model = SentencePieceModel.Load(FilePath);
        if (model.Pieces.Count == 0 || model.Pieces.Any(piece => piece.Text.Length == 0 || !float.IsFinite(piece.Score))) throw new InvalidOperationException("The model is not what it says.");
    }

    private void ReadTokenizer()
    {
        var tokenizer = LlamaTokenizer.Create(SentencePieceModel.Load(FilePath));
        foreach (var text in (ReadOnlySpan<string>)["The sea 学习 <sep> 😀 aaaaaaaa", ""])
        {
            var ids = tokenizer.Encode(text);
            if (ids.Any(id => id < 0 || id >= tokenizer.VocabularySize)) throw new InvalidOperationException("An id is not in the vocabulary.");
            tokenizer.Decode(ids);
        }
    }
}
