namespace Alpaca.Text.Tests;

public sealed class LlamaTokenizerTests
{
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
    public void Encode_LongTexts_TakeTimeInProportion()
    {
        var tokenizer = Fixture.Tokenizer("base");
        // One segment of 400,000 characters in which everything merges: quadratic time would take minutes.
        var text = new string('s', 200_000) + string.Concat(Enumerable.Repeat("th", 100_000));
        tokenizer.Decode(tokenizer.Encode(text)).Should().Be(text);
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
