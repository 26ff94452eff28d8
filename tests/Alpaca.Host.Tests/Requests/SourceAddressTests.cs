namespace Alpaca.Host.Tests.Requests;

public sealed class SourceAddressTests
{
    [Theory]
    [InlineData("https://host/path", true)]
    [InlineData("file:///folder", true)]
    [InlineData("hf:owner/name", true)]
    [InlineData("folder/name", false)]
    [InlineData("/folder", false)]
    [InlineData("C:\\folder", false)]
    [InlineData("./a:b", false)]
    [InlineData(":a", false)]
    [InlineData("", false)]
    public void IsAddress_Text_IsOneWithASchemeOfTwoLettersOrMore(string source, bool expected) => SourceAddress.IsAddress(source).Should().Be(expected);

    [Fact]
    public void WithoutSignature_PresignedAddress_HasNoQuery()
        => SourceAddress.WithoutSignature("https://host/*?Signature=one#x").Should().Be("https://host/*");
}
