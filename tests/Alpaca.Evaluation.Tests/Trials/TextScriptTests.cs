using Alpaca.Abstractions;

namespace Alpaca.Evaluation.Tests.Trials;

public sealed class TextScriptTests
{
    [Theory]
    [InlineData("中国的首都是北京。", true, false)]
    [InlineData("The capital of China is Beijing.", false, true)]
    [InlineData("水的化学式是H2O。", true, false)]
    [InlineData("Python是一种简单易学的编程语言", true, false)]
    [InlineData("The word 老师 means teacher.", false, true)]
    [InlineData("北京ab", true, true)] // half and half
    [InlineData("Größe, naïveté, Đà Nẵng", false, true)]
    [InlineData("ＦＵＬＬ", false, true)]
    [InlineData("𠮷野家", true, false)] // outside the basic plane
    [InlineData("人々", true, false)]
    [InlineData("Столица Китая", false, false)]
    [InlineData("こんにちは", false, false)]
    public void IsIn_TextWithLetters_CountsThem(string text, bool isHan, bool isLatin)
    {
        TextScript.IsIn(text, AnswerScript.Han).Should().Be(isHan);
        TextScript.IsIn(text, AnswerScript.Latin).Should().Be(isLatin);
        TextScript.IsIn(text, AnswerScript.Any).Should().BeTrue();
    }

    [Theory]
    [InlineData("42", true)]
    [InlineData("１２。", true)]
    [InlineData("", false)]
    [InlineData(" \n", false)]
    [InlineData("。。。！？", false)]
    [InlineData("😀🦙👍🏽", false)]
    [InlineData("\ufffd\ufffd", false)]
    public void IsIn_TextWithoutLetters_NeedsADigit(string text, bool expected)
    {
        foreach (var script in (AnswerScript[])[AnswerScript.Han, AnswerScript.Latin, AnswerScript.Any]) TextScript.IsIn(text, script).Should().Be(expected);
    }

    [Theory]
    [InlineData("巴黎。", AnswerScript.Han)]
    [InlineData("Thank you.", AnswerScript.Latin)]
    [InlineData("北京ab", null)]
    [InlineData("42", null)]
    [InlineData("Спасибо", null)]
    public void Of_Text_IsTheScriptOfMostLetters(string text, AnswerScript? expected) => TextScript.Of(text).Should().Be(expected);

    [Fact]
    public void OfMost_Texts_CountsTextsNotLetters()
    {
        TextScript.OfMost(["是。", "不是。", "A much longer answer that has more letters than the others together."]).Should().Be(AnswerScript.Han);
        TextScript.OfMost(["Yes.", "42", "!"]).Should().Be(AnswerScript.Latin);
        TextScript.OfMost(["Yes.", "是。"]).Should().Be(AnswerScript.Any);
        TextScript.OfMost(["42"]).Should().Be(AnswerScript.Any);
    }
}
