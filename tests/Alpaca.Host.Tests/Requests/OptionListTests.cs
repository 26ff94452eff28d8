using FsCheck.Xunit;

namespace Alpaca.Host.Tests.Requests;

public sealed class OptionListTests
{
    [Theory]
    [InlineData("7B,13B", "7B", "13B")]
    [InlineData(" a , , b ", "a", "b")]
    [InlineData("a\\,b,c", "a,b", "c")]
    [InlineData(@"C:\data\x", @"C:\data\x")]
    public void Split_Text_GivesItsValues(string text, params string[] values) => OptionList.Split(text).Should().Equal(values);

    [Fact]
    public void Split_Nothing_IsEmpty() => OptionList.Split("").Should().BeEmpty();

    [Property]
    public void Split_EscapedValues_GivesThemBack(FsCheck.NonEmptyString[] given)
    {
        var values = given.Select(v => v.Get.Trim().TrimEnd('\\')).Where(v => v.Length > 0).ToList();

        OptionList.Split(string.Join(',', values.Select(OptionList.Escape))).Should().Equal(values.Select(v => v.Trim()));
    }
}
