using System.Text;
using FsCheck;
using FsCheck.Fluent;

namespace Alpaca.Text.Tests;

/// <summary>Random text: characters of the fixtures' vocabulary, spaces, and any character of Unicode, in runs and mixed.</summary>
public sealed record UnicodeText(string Value)
{
    private const string Alphabet = "abcdefghijklmnopqrstuvwxyz THE.,;\n\t0123456789为什么要减少污染保护环境白日依山尽黄河入海流";

    public override string ToString() => string.Join(' ', Value.EnumerateRunes().Select(rune => $"{rune.Value:X4}"));

    public static Arbitrary<UnicodeText> Arbitrary()
    {
        var common = Gen.Elements(Alphabet.Select(character => character.ToString()).ToArray());
        var space = Gen.Constant(" ");
        var any = Gen.Choose(0, 0x10FFFF).Where(value => Rune.IsValid(value) && value != '▁').Select(value => new Rune(value).ToString());
        var run = common.SelectMany(character => Gen.Choose(1, 30).Select(count => string.Concat(Enumerable.Repeat(character, count))));
        var part = Gen.Frequency((8, common), (3, space), (2, any), (1, run));
        return Gen.ListOf(part).Select(parts => new UnicodeText(string.Concat(parts))).ToArbitrary();
    }
}
