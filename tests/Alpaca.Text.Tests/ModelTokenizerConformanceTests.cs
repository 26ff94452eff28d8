using System.Buffers;
using Alpaca.Abstractions;
using FsCheck;
using FsCheck.Fluent;

namespace Alpaca.Text.Tests;

/// <summary>What every kind of tokenizer does.</summary>
public sealed class ModelTokenizerConformanceTests
{
    private const string Mixed = "the sea 😀 shells 学习𠮷!";

    private static readonly Config Runs = Config.QuickThrowOnFailure.WithMaxTest(300).WithQuietOnSuccess(true);

    public static TheoryData<string> Kinds => TokenizerKind.All;

    public static TheoryData<string> LosslessKinds => TokenizerKind.Lossless;

    [Theory]
    [MemberData(nameof(LosslessKinds))]
    public void Decode_OfEncode_IsTheText(string kind)
    {
        var tokenizer = TokenizerKind.Load(kind);
        ForAllTexts(text => tokenizer.Decode(tokenizer.Encode(text)).Should().Be(text));
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public void StreamingDecoder_AnyIds_GivesWhatDecodeGives(string kind)
    {
        var tokenizer = TokenizerKind.Load(kind);
        var random = new NastyText(seed: 3, ["a"]);
        for (var run = 0; run < 2_000; run++)
        {
            var ids = random.NextIds(tokenizer.VocabularySize);
            var decoder = new StreamingDecoder(tokenizer);
            List<string> parts = [.. ids.Select(decoder.Append), decoder.Flush()];
            string.Concat(parts).Should().Be(tokenizer.Decode(ids), "ids {0}", string.Join(' ', ids));
            parts.Should().NotContain(part => IsHalfACharacter(part), "ids {0}", string.Join(' ', ids));
            decoder.Flush().Should().BeEmpty();
        }
    }

    [Theory]
    [MemberData(nameof(LosslessKinds))]
    public void StreamingDecoder_EncodedText_NeverGivesPartOfACharacter(string kind)
    {
        var tokenizer = TokenizerKind.Load(kind);
        ForAllTexts(text =>
        {
            var decoder = new StreamingDecoder(tokenizer);
            var soFar = "";
            foreach (var part in tokenizer.Encode(text).Select(decoder.Append))
            {
                IsHalfACharacter(part).Should().BeFalse("'{0}' would be half a character", part);
                soFar += part;
                text.Should().StartWith(soFar, "no replacement character may stand for bytes whose rest is still to come");
            }
            decoder.Flush().Should().BeEmpty();
            soFar.Should().Be(text);
        });
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public void EncodeToTokens_AnyText_IsEncodeWithOffsetsInOrder(string kind)
    {
        var tokenizer = TokenizerKind.Load(kind);
        var foldsSpaces = tokenizer is UnigramTokenizer { Model.Normalizer.RemoveExtraWhitespaces: true };
        ForAllTexts(text =>
        {
            var tokens = tokenizer.EncodeToTokens(text, out var normalized);
            normalized.Should().BeNull();
            tokens.Select(token => token.Id).Should().Equal(tokenizer.Encode(text));
            tokens.Select(token => token.Value).Should().Equal(tokens.Select(token => tokenizer.PieceOf(token.Id)));
            tokenizer.EncodeToIds(text).Should().Equal(tokenizer.Encode(text));
            tokenizer.CountTokens(text).Should().Be(tokens.Count);
            var end = foldsSpaces && tokens.Count > 0 ? tokens[0].Offset.Start.Value : 0;
            foreach (var token in tokens)
            {
                token.Offset.Start.Value.Should().Be(end);
                end = token.Offset.End.Value;
                end.Should().BeGreaterThanOrEqualTo(token.Offset.Start.Value);
            }
            if (!foldsSpaces) end.Should().Be(text.Length);
        });
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public void EncodeToIds_EachLimit_GivesTheFirstTokensOfWholeCharacters(string kind)
    {
        var tokenizer = TokenizerKind.Load(kind);
        var all = tokenizer.Encode(Mixed);
        for (var max = 0; max <= all.Count; max++)
        {
            var ids = tokenizer.EncodeToIds(Mixed, max, out _, out var consumed);
            ids.Count.Should().BeLessThanOrEqualTo(max);
            ids.Should().Equal(all.Take(ids.Count));
            tokenizer.GetIndexByTokenCount(Mixed, max, out _, out var count).Should().Be(consumed);
            count.Should().Be(ids.Count);
            tokenizer.Decode(ids).Should().NotContain("\ufffd");
            if (TokenizerKind.IsLossless(kind)) tokenizer.Decode(ids).Should().Be(Mixed[..consumed]);
        }
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public void GetIndexByTokenCountFromEnd_EachLimit_BeginsAtAWholeCharacter(string kind)
    {
        var tokenizer = TokenizerKind.Load(kind);
        var all = tokenizer.Encode(Mixed);
        for (var max = 0; max <= all.Count; max++)
        {
            var index = tokenizer.GetIndexByTokenCountFromEnd(Mixed, max, out _, out var count);
            count.Should().BeLessThanOrEqualTo(max);
            var dropped = tokenizer.Decode(all.Take(all.Count - count));
            dropped.Should().NotContain("\ufffd");
            if (TokenizerKind.IsLossless(kind)) dropped.Should().Be(Mixed[..index], "the dropped beginning and the kept end make up the text");
        }
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public void Decode_IntoSpan_StopsAtTheLastWholeCharacter(string kind)
    {
        var tokenizer = TokenizerKind.Load(kind);
        var ids = tokenizer.Encode(Mixed);
        var whole = tokenizer.Decode(ids);
        var buffer = new char[whole.Length];
        for (var length = 0; length <= whole.Length; length++)
        {
            var status = tokenizer.Decode(ids, buffer.AsSpan(0, length), out var consumed, out var written);
            status.Should().Be(length == whole.Length ? OperationStatus.Done : OperationStatus.DestinationTooSmall);
            tokenizer.Decode(ids.Take(consumed)).Should().Be(new string(buffer, 0, written));
        }
        tokenizer.Decode([99_999], buffer, out _, out _).Should().Be(OperationStatus.InvalidData);
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public void Encode_BeginningAndEnd_AreAddedWhenAskedFor(string kind)
    {
        var tokenizer = TokenizerKind.Load(kind);
        var (bos, eos, plain) = (tokenizer.BosId!.Value, tokenizer.EosId!.Value, tokenizer.Encode("the sea"));
        tokenizer.Encode("the sea", addBos: true, addEos: true).Should().Equal([bos, .. plain, eos]);
        tokenizer.Encode("", addBos: true).Should().Equal(bos);
        tokenizer.Decode([bos, .. plain, eos]).Should().Be(tokenizer.Decode(plain));
        (tokenizer.SpecialIdOf(tokenizer.PieceOf(bos)!), tokenizer.SpecialIdOf("the")).Should().Be((bos, null));
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public void Encode_SpecialTokensInText_AreTextUnlessAskedFor(string kind)
    {
        var tokenizer = TokenizerKind.Load(kind);
        var (eos, end) = (tokenizer.EosId!.Value, tokenizer.PieceOf(tokenizer.EosId!.Value)!);
        tokenizer.Encode($"a{end}b").Should().NotContain(eos);
        tokenizer.Encode($"a{end}b", parseSpecial: true).Should().Equal([.. tokenizer.Encode("a"), eos, .. tokenizer.Encode("b")]);
        tokenizer.Encode($"a {end} b", parseSpecial: true).Should().Equal([.. tokenizer.Encode("a "), eos, .. tokenizer.Encode(" b")]);
        tokenizer.Encode($"{end}{end}", parseSpecial: true).Should().Equal(eos, eos);
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public void Encode_UnpairedSurrogate_CountsAsReplacementCharacter(string kind)
    {
        var tokenizer = TokenizerKind.Load(kind);
        tokenizer.Encode("a\ud83d").Should().Equal(tokenizer.Encode("a\ufffd"));
        tokenizer.Encode("\udc00a\udc00").Should().Equal(tokenizer.Encode("\ufffda\ufffd"));
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public void Decode_IdOutsideTheVocabulary_NamesItAndTheFile(string kind)
    {
        var tokenizer = TokenizerKind.Load(kind);
        var outside = tokenizer.VocabularySize;
        tokenizer.Invoking(t => t.Decode([5, outside])).Should().Throw<AlpacaException>().WithMessage($"*{outside}*{Path.GetFileName(tokenizer.Name)}*{outside}*");
        tokenizer.Invoking(t => t.Decode([-1], skipSpecialTokens: false)).Should().Throw<AlpacaException>();
        new StreamingDecoder(tokenizer).Invoking(decoder => decoder.Append(outside)).Should().Throw<AlpacaException>();
        tokenizer.PieceOf(outside).Should().BeNull();
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public void Encode_ManyThreads_GiveTheSameIds(string kind)
    {
        var tokenizer = TokenizerKind.Load(kind);
        var samples = Fixture.Load("base").Encode.Select(sample => (sample.Text, Ids: tokenizer.Encode(sample.Text))).ToList();
        Parallel.ForEach(Enumerable.Repeat(samples, 4).SelectMany(s => s), sample => tokenizer.Encode(sample.Text).Should().Equal(sample.Ids));
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public void Encode_LongTexts_TakeTimeInProportion(string kind)
    {
        var tokenizer = TokenizerKind.Load(kind);
        // In each there is one word of 200,000 letters: quadratic time would take hours.
        foreach (var text in new[] { new string('s', 200_000), string.Concat(Enumerable.Repeat("the", 70_000)), string.Concat(Enumerable.Repeat("学习", 100_000)), new string(' ', 200_000) })
            tokenizer.CountTokens(text).Should().BeLessThanOrEqualTo(3 * text.Length + 3);
    }

    private static bool IsHalfACharacter(string part) => part.Length > 0 && (char.IsHighSurrogate(part[^1]) || char.IsLowSurrogate(part[0]));

    private static void ForAllTexts(Action<string> check) => Prop.ForAll(UnicodeText.Arbitrary(), text => check(text.Value)).Check(Runs);
}
