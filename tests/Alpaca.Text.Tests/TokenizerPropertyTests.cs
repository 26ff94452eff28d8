using FsCheck;
using FsCheck.Xunit;

namespace Alpaca.Text.Tests;

[Properties(Arbitrary = [typeof(UnicodeText)])]
public sealed class TokenizerPropertyTests
{
    private static readonly LlamaTokenizer Base = Fixture.Tokenizer("base");

    /// <summary>The definition of the algorithm, word for word and slow: the segments and the agenda must not change its result.</summary>
    [Property(MaxTest = 500)]
    public void Encode_AnyText_IsWhatTheDefinitionGives(UnicodeText text)
        => Base.Encode(text.Value).Should().Equal(ReferenceBpe.Encode(Base.Model, text.Value));
}
