using FsCheck;
using FsCheck.Fluent;
using FsCheck.Xunit;

namespace Alpaca.Text.Tests;

/// <summary>The encoder on vocabularies in which much merges and scores tie, on segments that are long, and what it allocates.</summary>
public sealed class BpeEncoderTests
{
    private static readonly LlamaTokenizer Base = Fixture.Tokenizer("base");

    /// <summary>A vocabulary over five characters, one of them outside the basic plane, and a text of them.</summary>
    public sealed record TextInVocabulary(IReadOnlyList<SentencePiece> Pieces, string Text)
    {
        private static readonly string[] Characters = ["▁", "a", "b", "中", "😀"];

        public static Arbitrary<TextInVocabulary> Arbitrary()
        {
            var character = Gen.Elements(Characters);
            var piece = Gen.Choose(2, 7).SelectMany(length => Gen.ListOf(character, length)).Select(string.Concat);
            var scored = piece.SelectMany(text => Gen.Choose(-3, 0).Select(score => new SentencePiece(text, score)));
            var pieces = Gen.Choose(0, 60).SelectMany(count => Gen.ListOf(scored, count))
                .Select(more => Characters.Select(text => new SentencePiece(text, -9)).Concat(more).DistinctBy(p => p.Text).ToArray());
            var run = character.SelectMany(text => Gen.Choose(1, 70).Select(count => string.Concat(Enumerable.Repeat(text, count))));
            var part = Gen.Frequency((6, character), (1, run), (1, piece));
            var text = Gen.Choose(0, 150).SelectMany(count => Gen.ListOf(part, count)).Select(parts => string.Concat(parts).Replace('▁', ' '));
            return pieces.SelectMany(p => text.Select(t => new TextInVocabulary(p, t))).ToArbitrary();
        }
    }

    [Property(MaxTest = 400, Arbitrary = [typeof(TextInVocabulary)])]
    public void Encode_AnyVocabulary_IsWhatTheDefinitionGives(TextInVocabulary sample)
    {
        var tokenizer = LlamaTokenizer.Create(Model(sample.Pieces));

        tokenizer.Encode(sample.Text).Should().Equal(ReferenceBpe.Encode(tokenizer.Model, sample.Text));
    }

    [Property(MaxTest = 200, Arbitrary = [typeof(TextInVocabulary)])]
    public void Encode_PieceMarkedUnusedThatNothingBecomes_ChangesNothing(TextInVocabulary sample)
    {
        // One such piece makes the whole text one segment.
        var plain = LlamaTokenizer.Create(Model(sample.Pieces));
        var withUnused = LlamaTokenizer.Create(Model([.. sample.Pieces, new SentencePiece("xyz", 0, SentencePieceType.Unused)]));

        withUnused.Encode(sample.Text).Should().Equal(plain.Encode(sample.Text));
    }

    [Fact]
    public void Encode_SegmentsAroundTheLengthWhereTheWayChanges_AreWhatTheDefinitionGives()
    {
        var model = Model([.. "▁ab".Select(c => new SentencePiece(c.ToString(), -9)), new("aa", -1), new("aaa", 0), new("ab", -2), new("ba", -2), new("aab", -3), new("▁a", -1)]);
        var tokenizer = LlamaTokenizer.Create(model);
        for (var length = 60; length < 140; length++)
        {
            foreach (var text in (string[])[new string('a', length), new string('b', 3) + new string('a', length), string.Concat(Enumerable.Repeat("aab", length))[..length]])
                tokenizer.Encode(text).Should().Equal(ReferenceBpe.Encode(model, text), "that is how {0} merges", text);
        }
    }

    [Theory]
    [InlineData("aaaaaaaaaaaaaaab")] // all of one segment
    [InlineData("e ")] // many segments
    public void Encode_AMillionCharacters_DecodeToTheSame(string unit)
    {
        var text = string.Concat(Enumerable.Repeat(unit, (1 << 20) / unit.Length + 1));

        Base.Decode(Base.Encode(text)).Should().Be(text);
    }

    [Theory]
    [InlineData("<", "\uFFFD")]
    [InlineData("a><b", "a\uFFFD\uFFFDb")]
    [InlineData("<<>", "\uFFFD😀")]
    [InlineData("ends <", "ends \uFFFD")]
    public void Encode_UnpairedSurrogates_CountAsReplacementCharacters(string pattern, string replaced)
    {
        var text = pattern.Replace('<', '\uD83D').Replace('>', '\uDE00'); // attributes hold no unpaired surrogates
        Base.Encode(text).Should().Equal(Base.Encode(replaced));
        Base.CountTokens(text).Should().Be(Base.Encode(text).Count);
    }

    [Fact]
    public void Encode_NullCharacters_AreCharactersLikeOthers()
    {
        Base.Decode(Base.Encode("a\0b\0\0")).Should().Be("a\0b\0\0");
        Base.Encode("\0").Should().Contain(Array.FindIndex([.. Base.Model.Pieces], p => p.Text == "<0x00>"));
    }

    [Fact]
    public void Encode_TextsOfAnyLength_AllocatesNothing()
    {
        var texts = new[] { "为什么要减少污染，保护环境？ The sea 😀", new string('e', 5000), string.Concat(Enumerable.Repeat("白日依山尽 and so on\n", 2000)) };
        var (list, memory) = (new List<int>(1 << 18), new int[1 << 18]);
        foreach (var text in texts)
        {
            AllocatedBy(() => Into(list, text));
            LeastAllocatedBy(() => Into(list, text)).Should().Be(0, "the list has room for {0} characters", text.Length);
            AllocatedBy(() => Base.TryEncode(text, memory, out _));
            LeastAllocatedBy(() => Base.TryEncode(text, memory, out _)).Should().Be(0);
            AllocatedBy(() => Base.CountTokens(text.AsSpan()));
            LeastAllocatedBy(() => Base.CountTokens(text.AsSpan())).Should().Be(0);
        }

        // A collection in between takes the pool's buffers away, so one of several times is enough.
        static long LeastAllocatedBy(Action action) => Enumerable.Range(0, 5).Min(_ => AllocatedBy(action));

        static void Into(List<int> list, string text)
        {
            list.Clear();
            Base.Encode(text, list);
        }
    }

    [Property(MaxTest = 200, Arbitrary = [typeof(UnicodeText)])]
    public void TryEncode_AnyRoom_FillsItWithTheFirstIdsAndCountsAll(UnicodeText text, byte room)
    {
        var ids = Base.Encode(text.Value);
        var destination = new int[room];

        Base.TryEncode(text.Value, destination, out var count).Should().Be(ids.Count <= room);

        count.Should().Be(ids.Count);
        destination.Take(count).Should().Equal(ids.Take(room));
    }

    [Property(MaxTest = 200, Arbitrary = [typeof(UnicodeText)])]
    public void TryEncode_ThreeIdsForEachCharacterAndThree_AreAlwaysEnough(UnicodeText text) =>
        Base.TryEncode(text.Value, new int[(3 * text.Value.Length) + 3], out _).Should().BeTrue();

    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    [InlineData(-1)]
    public void EncodeBatch_AnyNumberOfThreads_GivesWhatEncodeGivesInOrder(int threads)
    {
        var texts = UnicodeText.Arbitrary().Generator.Select(text => text.Value).Sample(500, 40).ToList();

        var batch = Base.EncodeBatch(texts, threads);

        batch.Should().HaveCount(texts.Count);
        for (var i = 0; i < texts.Count; i++) batch[i].Should().Equal(Base.Encode(texts[i]));
    }

    [Fact]
    public void EncodeBatch_NothingOrCancelled_SaysSo()
    {
        Base.EncodeBatch([]).Should().BeEmpty();
        FluentActions.Invoking(() => Base.EncodeBatch(["a"], cancellationToken: new CancellationToken(canceled: true))).Should().Throw<OperationCanceledException>();
    }

    private static long AllocatedBy(Action action)
    {
        var before = GC.GetAllocatedBytesForCurrentThread();
        action();
        return GC.GetAllocatedBytesForCurrentThread() - before;
    }

    private static SentencePieceModel Model(IReadOnlyCollection<SentencePiece> pieces)
    {
        byte[] unknownAndSettings = [0x0A, 9, 0x0A, 5, .. "<unk>"u8, 0x18, 2, 0x12, 2, 0x18, 2, 0x1A, 2, 0x20, 0]; // BPE, extra spaces kept
        return SentencePieceModel.Parse(unknownAndSettings, "made.model").Append(pieces);
    }
}
