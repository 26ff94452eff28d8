namespace Alpaca.Abstractions.Tests;

public sealed class AdapterSourceTests
{
    [Fact]
    public void ProblemsOfNames_EachItsOwn_AreNone()
        => AdapterSource.ProblemsOfNames([new("poems", "a"), new("Poems", "b"), new("news", "a")]).Should().BeEmpty();

    [Fact]
    public void ProblemsOfNames_MissingAndRepeated_AreAllNamed()
        => AdapterSource.ProblemsOfNames([new("poems", "a"), new("", "b"), new("poems", "c"), new(" ", "d"), new("poems", "e")]).Should().Equal(
            "The adapter in b has no name; give it one",
            "The adapter in d has no name; give it one",
            "3 adapters are named 'poems'; give each a name of its own");
}
