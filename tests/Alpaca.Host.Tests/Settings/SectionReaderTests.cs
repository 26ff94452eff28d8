using Alpaca.Abstractions;
using Microsoft.Extensions.Configuration;

namespace Alpaca.Host.Tests.Settings;

public sealed class SectionReaderTests
{
    private readonly List<string> _problems = [];

    private enum Shade
    {
        Light,
        Dark,
        VeryDark,
    }

    [Fact]
    public void Read_NothingOrEmptyTexts_GivesWhatHoldsOtherwise()
    {
        foreach (var reader in (SectionReader[])[Of(), Of(("Flag", ""), ("Whole", ""), ("Number", ""), ("Seconds", ""), ("Choice", ""), ("Text", ""), ("Texts", ""))])
        {
            (reader.Flag("Flag", true), reader.Whole("Whole", 7, 1), reader.Number("Number", 0.5, 0, 1)).Should().Be((true, 7, 0.5));
            reader.Seconds("Seconds", TimeSpan.FromSeconds(1.5), 1, 10).Should().Be(TimeSpan.FromSeconds(1.5));
            reader.Choice("Choice", Shade.Dark).Should().Be(Shade.Dark);
            reader.Text("Text").Should().BeNull();
            reader.Texts("Texts").Should().BeEmpty();
            reader.Value<int>("Value", "nothing", _ => 1).Should().BeNull();
        }

        Of().Exists.Should().BeFalse();
        _problems.Should().BeEmpty();
    }

    [Fact]
    public void Read_GoodValues_GivesThem()
    {
        var reader = Of(("Flag", "False"), ("Whole", " 12 "), ("Large", "1099511627776"), ("Number", "2.5e-1"), ("Seconds", "0.25"), ("Choice", "verydark"), ("Text", " as it is "), ("Texts", "a, b\\,c"), ("List:0", "a, b"), ("List:1", ""));

        reader.Exists.Should().BeTrue();
        (reader.Flag("Flag", true), reader.Whole("Whole", 7, 1, 12), reader.Whole("Large", 7L, 1), reader.Number("Number", 0, 0, 1)).Should().Be((false, 12, 1L << 40, 0.25));
        reader.Seconds("Seconds", TimeSpan.Zero, 0, 1).Should().Be(TimeSpan.FromMilliseconds(250));
        reader.Choice("Choice", Shade.Light).Should().Be(Shade.VeryDark);
        reader.Text("Text").Should().Be(" as it is ");
        reader.Texts("Texts").Should().Equal("a", "b,c");
        reader.Texts("List").Should().Equal("a, b");
        _problems.Should().BeEmpty();
    }

    [Theory]
    [InlineData("yes")]
    [InlineData("1")]
    public void Flag_AnythingElse_IsAProblem(string text)
    {
        Of(("Key", text)).Flag("Key", true).Should().BeTrue();

        _problems.Should().Equal($"Outer:Inner:Key is '{text}'; it must be true or false.");
    }

    [Theory]
    [InlineData("0")]
    [InlineData("11")]
    [InlineData("-1")]
    [InlineData("+3")]
    [InlineData("3.0")]
    [InlineData("3 4")]
    [InlineData("many")]
    [InlineData("99999999999999999999")]
    public void Whole_OutOfItsRangeOrNone_IsAProblem(string text)
    {
        Of(("Key", text)).Whole("Key", 7, 1, 10).Should().Be(7);

        _problems.Should().Equal($"Outer:Inner:Key is '{text}'; it must be a whole number from 1 to 10.");
    }

    [Fact]
    public void Whole_LargerThanItsType_IsAProblemThatNamesNoLargest()
    {
        Of(("Key", "2147483648")).Whole("Key", 7, 1).Should().Be(7);

        _problems.Should().Equal("Outer:Inner:Key is '2147483648'; it must be a whole number from 1.");
    }

    [Theory]
    [InlineData("0.09")]
    [InlineData("86400.1")]
    [InlineData("NaN")]
    [InlineData("∞")]
    [InlineData("1,5")]
    public void Seconds_OutOfTheirRangeOrNone_AreAProblem(string text)
    {
        Of(("Key", text)).Seconds("Key", TimeSpan.FromSeconds(5), 0.1, 86400).Should().Be(TimeSpan.FromSeconds(5));

        _problems.Should().Equal($"Outer:Inner:Key is '{text}'; it must be a number from 0.1 to 86400.");
    }

    [Theory]
    [InlineData("1")]
    [InlineData("Light, Dark")]
    [InlineData("drak")]
    public void Choice_NumberListOrUnknownName_IsAProblem(string text)
    {
        Of(("Key", text)).Choice("Key", Shade.VeryDark).Should().Be(Shade.VeryDark);

        _problems.Should().Equal($"Outer:Inner:Key is '{text}'; it must be Light, Dark or VeryDark.");
    }

    [Fact]
    public void Value_FormOfItsOwn_IsParsedWithoutBlanksAndReportedWithThem()
    {
        var reader = Of(("Good", " ab "), ("Bad", " abc "));

        reader.Value("Good", "two letters", LengthOf).Should().Be(2);
        reader.Value("Bad", "two letters", LengthOf).Should().BeNull();

        _problems.Should().Equal("Outer:Inner:Bad is ' abc '; it must be two letters.");

        static int? LengthOf(string text) => text.Length == 2 ? text.Length : null;
    }

    [Fact]
    public void Checked_ProblemsHereAndInASectionInside_AreOneErrorWithALineForEach()
    {
        var reader = Of(("Flag", "x"), ("Deep:Whole", "y"));
        reader.Invoking(r => r.Checked("read")).Should().NotThrow().Which.Should().Be("read");

        reader.Flag("Flag", true);
        reader.Section("Deep").Whole("Whole", 1, 0);
        reader.Report("Other", "is missing; name one.");

        reader.Invoking(r => r.Checked("read")).Should().Throw<AlpacaUsageException>().WithMessage(
            "Outer:Inner:Flag is 'x'; it must be true or false.\nOuter:Inner:Deep:Whole is 'y'; it must be a whole number from 0.\nOuter:Inner:Other is missing; name one.");
    }

    private SectionReader Of(params (string Key, string Value)[] values)
        => new(new ConfigurationBuilder().AddInMemoryCollection(values.Select(value => KeyValuePair.Create($"Outer:Inner:{value.Key}", (string?)value.Value))).Build().GetSection("Outer:Inner"), _problems);
}
