namespace Alpaca.Formats.Tests;

/// <summary>Files made by Fixtures/make_fixtures.py with PyTorch.</summary>
internal static class Fixture
{
    public static string Path(string name) => System.IO.Path.Combine(Golden.RepositoryRoot, "tests", "Alpaca.Formats.Tests", "Fixtures", name);
}
