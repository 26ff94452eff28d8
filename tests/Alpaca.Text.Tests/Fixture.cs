using System.Text.Json;

namespace Alpaca.Text.Tests;

/// <summary>Tiny SentencePiece models and what SentencePiece makes of texts with them; made by Fixtures/make_fixtures.py.</summary>
internal sealed record Fixture(IReadOnlyList<Fixture.EncodeCase> Encode, IReadOnlyList<Fixture.DecodeCase> Decode)
{
    private static readonly JsonSerializerOptions Web = new(JsonSerializerDefaults.Web);

    public static string Path(string name) => System.IO.Path.Combine(AppContext.BaseDirectory, "Fixtures", name);

    public static LlamaTokenizer Tokenizer(string name) => LlamaTokenizer.Load(Path($"{name}.model"));

    public static Fixture Load(string name) => JsonSerializer.Deserialize<Fixture>(File.ReadAllBytes(Path($"{name}.json")), Web)!;

    internal sealed record EncodeCase(string Text, int[] Ids, int[][] Spans, string Decoded);

    internal sealed record DecodeCase(int[] Ids, string Text);
}
