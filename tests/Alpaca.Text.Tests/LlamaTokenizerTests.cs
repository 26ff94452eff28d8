using System.Buffers;
using Alpaca.Abstractions;

namespace Alpaca.Text.Tests;

public sealed class LlamaTokenizerTests
{
    [Theory]
    [InlineData("base")]
    [InlineData("special")]
    [InlineData("unused")]
    public void Encode_FixtureTexts_GivesSentencePieceIds(string model)
    {
        var tokenizer = Fixture.Tokenizer(model);
        foreach (var sample in Fixture.Load(model).Encode)
        {
            tokenizer.Encode(sample.Text).Should().Equal(sample.Ids, "that is what SentencePiece gives for '{0}'", sample.Text);
            tokenizer.EncodeToIds(sample.Text).Should().Equal(sample.Ids);
            tokenizer.CountTokens(sample.Text).Should().Be(sample.Ids.Length);
        }
    }

    [Theory]
    [InlineData("base")]
    [InlineData("special")]
    [InlineData("unused")]
    public void EncodeToTokens_FixtureTexts_GivesSentencePieceOffsets(string model)
    {
        var tokenizer = Fixture.Tokenizer(model);
        // SentencePiece's offsets are off after a control symbol, whose text it does not count, and where the space mark before the text is part of a user-defined piece.
        foreach (var sample in Fixture.Load(model).Encode.Where(sample => model != "special" || !sample.Text.AsSpan().ContainsAny('☃', '▁')))
        {
            var tokens = tokenizer.EncodeToTokens(sample.Text, out var normalized);
            normalized.Should().BeNull();
            tokens.Select(token => token.Id).Should().Equal(sample.Ids);
            tokens.Select(token => (token.Offset.Start.Value, token.Offset.End.Value)).Should().Equal(sample.Spans.Select(span => (span[0], span[1])), "text '{0}'", sample.Text);
            tokens.Select(token => token.Value).Should().Equal(sample.Ids.Select(tokenizer.PieceOf));
        }
    }

    [Theory]
    [InlineData("base")]
    [InlineData("special")]
    [InlineData("unused")]
    public void Decode_FixtureIds_GivesSentencePieceText(string model)
    {
        var tokenizer = Fixture.Tokenizer(model);
        var fixture = Fixture.Load(model);
        foreach (var sample in fixture.Encode) tokenizer.Decode(sample.Ids).Should().Be(sample.Decoded);
        foreach (var sample in fixture.Decode) tokenizer.Decode(sample.Ids).Should().Be(sample.Text, "ids {0}", string.Join(' ', sample.Ids));
    }

    [Fact]
    public void Decode_IntoSpan_StopsAtTheLastWholeToken()
    {
        var tokenizer = Fixture.Tokenizer("base");
        var ids = tokenizer.Encode("the 😀!");
        var whole = new char[16];
        tokenizer.Decode(ids, whole, out var consumed, out var written).Should().Be(OperationStatus.Done);
        (consumed, new string(whole, 0, written)).Should().Be((ids.Count, "the 😀!"));

        tokenizer.Decode(ids, whole.AsSpan(0, 5), out consumed, out written).Should().Be(OperationStatus.DestinationTooSmall);
        tokenizer.Decode(ids.Take(consumed)).Should().Be(new string(whole, 0, written)).And.Be("the ");

        tokenizer.Decode([99999], whole, out consumed, out written).Should().Be(OperationStatus.InvalidData);
    }

    [Fact]
    public void Decode_IdOutsideTheVocabulary_NamesItAndTheFile()
    {
        var tokenizer = Fixture.Tokenizer("base");
        var decode = () => tokenizer.Decode([5, 620]);
        decode.Should().Throw<AlpacaException>().WithMessage("*620*base.model*620*");
        tokenizer.Invoking(t => t.Decode([-1])).Should().Throw<AlpacaException>();
    }

    [Fact]
    public void Encode_BeginningAndEnd_AreAddedWhenAskedFor()
    {
        var tokenizer = Fixture.Tokenizer("base");
        var plain = tokenizer.Encode("the sea");
        tokenizer.Encode("the sea", addBos: true, addEos: true).Should().Equal([1, .. plain, 2]);
        tokenizer.Encode("", addBos: true).Should().Equal(1);
        (tokenizer.BosId, tokenizer.EosId, tokenizer.UnkId, tokenizer.PadId, tokenizer.VocabularySize).Should().Be((1, 2, 0, null, 620));
    }

    [Fact]
    public void Encode_SpecialTokensInText_AreTextUnlessAskedFor()
    {
        var tokenizer = Fixture.Tokenizer("base");
        tokenizer.Encode("a</s>b").Should().NotContain(2);
        // Each stretch has its own leading space mark, as in Hugging Face's legacy tokenizer.
        tokenizer.Encode("a</s>b", parseSpecial: true).Should().Equal([.. tokenizer.Encode("a"), 2, .. tokenizer.Encode("b")]);
        tokenizer.Encode("</s></s>", parseSpecial: true).Should().Equal(2, 2);
        tokenizer.Encode("a </s> b", parseSpecial: true).Should().Equal([.. tokenizer.Encode("a "), 2, .. tokenizer.Encode(" b")]);
    }

    [Fact]
    public void Encode_UnpairedSurrogate_CountsAsReplacementCharacter()
    {
        var tokenizer = Fixture.Tokenizer("base");
        tokenizer.Encode("a\ud83d").Should().Equal(tokenizer.Encode("a\ufffd"));
        tokenizer.Encode("\udc00a").Should().Equal(tokenizer.Encode("\ufffda"));
    }

    [Fact]
    public void Encode_LongTexts_TakeTimeInProportion()
    {
        var tokenizer = Fixture.Tokenizer("base");
        // One segment of 400,000 characters in which everything merges: quadratic time would take minutes.
        var text = new string('s', 200_000) + string.Concat(Enumerable.Repeat("th", 100_000));
        tokenizer.Decode(tokenizer.Encode(text)).Should().Be(text);
    }

    [Fact]
    public void EncodeToIds_MaxTokenCount_ConsumesWholeCharacters()
    {
        var tokenizer = Fixture.Tokenizer("base");
        const string text = "the sea 😀 shells";
        var all = tokenizer.EncodeToTokens(text, out _);
        for (var max = 0; max <= all.Count; max++)
        {
            var ids = tokenizer.EncodeToIds(text, max, out _, out var consumed);
            ids.Count.Should().BeLessThanOrEqualTo(max);
            ids.Should().Equal(all.Take(ids.Count).Select(token => token.Id));
            tokenizer.Decode(ids).Should().Be(text[..consumed]);
            tokenizer.GetIndexByTokenCount(text, max, out _, out var count).Should().Be(consumed);
            count.Should().Be(ids.Count);
        }
    }

    [Fact]
    public void GetIndexByTokenCountFromEnd_EachLimit_BeginsAtAWholeCharacter()
    {
        var tokenizer = Fixture.Tokenizer("base");
        const string text = "the sea 😀 shells";
        var all = tokenizer.EncodeToTokens(text, out _);
        for (var max = 0; max <= all.Count; max++)
        {
            var index = tokenizer.GetIndexByTokenCountFromEnd(text, max, out _, out var count);
            count.Should().BeLessThanOrEqualTo(max);
            // The dropped beginning and the kept end make up the text.
            tokenizer.Decode(all.Take(all.Count - count).Select(token => token.Id)).Should().Be(text[..index]);
        }
    }

    [Fact]
    public void Encode_ManyThreads_GiveTheSameIds()
    {
        var tokenizer = Fixture.Tokenizer("base");
        var samples = Fixture.Load("base").Encode;
        Parallel.ForEach(Enumerable.Repeat(samples, 8).SelectMany(s => s), sample => tokenizer.Encode(sample.Text).Should().Equal(sample.Ids));
    }

    [Fact]
    public void Encode_IntoAListWithRoom_AllocatesNothing()
    {
        var tokenizer = Fixture.Tokenizer("base");
        var text = string.Join(' ', Fixture.Load("base").Encode.Select(sample => sample.Text).Where(text => text.Length < 120 && !text.Contains("   ", StringComparison.Ordinal)));
        var ids = new List<int>(2 * text.Length);
        tokenizer.Encode(text, ids);
        ids.Clear();
        var before = GC.GetAllocatedBytesForCurrentThread();
        tokenizer.Encode(text, ids);
        (GC.GetAllocatedBytesForCurrentThread() - before).Should().Be(0, "the text has no segment long enough for the agenda");
    }
}
