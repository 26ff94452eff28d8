namespace Alpaca.Evaluation.Tests.Trials;

public sealed class TokenLoopTests
{
    [Theory]
    [InlineData(1, 20, true)]
    [InlineData(1, 19, false)]
    [InlineData(2, 20, true)]
    [InlineData(4, 20, true)]
    [InlineData(4, 19, false)]
    [InlineData(5, 25, true)]
    [InlineData(5, 24, false)]
    [InlineData(7, 35, true)]
    public void IsIn_TokensThatComeAgainAndAgain_NeedsFourAtLeastFiveTimesInARow(int period, int count, bool expected)
    {
        var beginning = Enumerable.Range(1000, 15).ToList();
        TokenLoop.IsIn([.. Cycle(period, count)]).Should().Be(expected);
        TokenLoop.IsIn([.. beginning, .. Cycle(period, count)]).Should().Be(expected);
    }

    [Fact]
    public void IsIn_NothingTwice_IsNone() => TokenLoop.IsIn([.. Enumerable.Range(0, 500)]).Should().BeFalse();

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(3)]
    public void IsIn_ShortAnswer_IsNone(int count) => TokenLoop.IsIn([.. Cycle(1, count)]).Should().BeFalse();

    [Fact]
    public void IsIn_PoemWithARefrain_IsNone()
    {
        int[] refrain = [1, 2, 3, 4, 5, 6];
        var poem = Enumerable.Range(0, 6).SelectMany(verse => Enumerable.Range(100 + 20 * verse, 14).Concat(refrain)).ToList();
        TokenLoop.IsIn(poem).Should().BeFalse();
    }

    [Fact]
    public void IsIn_LongPhraseThatComesBackWithALittleBetween_HasFewDistinctRuns()
    {
        // "answer 1: the same words. answer 2: the same words. ...": never the same in a row.
        var listing = Enumerable.Range(0, 20).SelectMany(i => Enumerable.Range(0, 18).Append(100 + i)).ToList();
        TokenLoop.IsIn(listing).Should().BeTrue();
        TokenLoop.IsIn(listing[..32]).Should().BeFalse("short answers may say a thing twice");
    }

    private static IEnumerable<int> Cycle(int period, int count) => Enumerable.Range(0, count).Select(i => i % period);
}
